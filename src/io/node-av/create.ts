import { throwIfAborted } from '../../errors.js';
import { AtomicFile } from '../atomic-file.js';
import type { VideoReader, VideoWriter, WriterOptions } from '../video.js';
import { Container } from './container.js';
import { FileWriter } from './file-writer.js';
import type { VideoEncoding } from './video-encoding.js';

/** Opens the encoder for a container. */
export type EncodingOpener = (container: Container) => Promise<VideoEncoding>;

/** Creates an output file and its writer, or leaves nothing behind; see {@link createVideo} for what it throws. */
export async function createFile(
  path: string,
  options: WriterOptions & { source: VideoReader },
  openEncoding: EncodingOpener,
): Promise<VideoWriter> {
  const { source, signal } = options;
  throwIfAborted(signal);
  const file = await AtomicFile.create(path, { overwrite: options.overwrite ?? false, inputs: [source.info.path] });
  let container: Container | undefined;
  let encoding: VideoEncoding;
  try {
    container = Container.find(path, options.container);
    encoding = await openEncoding(container);
  } catch (error) {
    container?.[Symbol.dispose]();
    await file.discard();
    throw error;
  }
  return FileWriter.start({ file, container, encoding, source: source.info.path, signal });
}
