import { DeblurError } from '../errors.js';
import { checkPath, checkReaderOptions, checkWriterOptions } from './options.js';
import type { MediaInfo, ReaderOptions, VideoReader, VideoWriter, WriterOptions } from './video.js';

/**
 * Opens a video file for reading.
 *
 * @throws DeblurError `INPUT_NOT_FOUND`, `INPUT_UNREADABLE` (folder, empty, not a video, no video stream, cut-off
 * index), `CODEC_UNAVAILABLE`, `ENGINE_UNAVAILABLE`, `USAGE` for a wrong option, `CANCELLED`.
 */
export async function openVideo(path: string, options: ReaderOptions = {}): Promise<VideoReader> {
  const checked = checkReaderOptions(options);
  checkPath(path, 'input');
  if (checked.engine === 'ffmpeg') throw new DeblurError('ENGINE_UNAVAILABLE', 'not yet');
  const { NodeAvReader } = await import('./node-av/reader.js');
  return NodeAvReader.open(path, checked);
}

/**
 * Creates a video file beside whose new picture all other streams of `source` are kept. The engine is the source's.
 *
 * @throws DeblurError `OUTPUT_EXISTS`, `OUTPUT_UNWRITABLE`, `OUTPUT_FULL`, `CODEC_UNAVAILABLE` with near names,
 * `FORMAT_UNSUPPORTED`, `USAGE` for a wrong option or encoder option, `CANCELLED`.
 */
export async function createVideo(
  path: string,
  options: WriterOptions & { source: VideoReader },
): Promise<VideoWriter> {
  const { source, ...rest } = options;
  const checked = { ...checkWriterOptions(rest), source };
  checkPath(path, 'output');
  if (source.engine === 'ffmpeg') throw new DeblurError('ENGINE_UNAVAILABLE', 'not yet');
  const { createFile } = await import('./node-av/create.js');
  const { LibraryEncoding } = await import('./node-av/library-encoding.js');
  return createFile(path, checked, (container) => LibraryEncoding.open(source.video, container, checked));
}

/**
 * Describes a media file without decoding it.
 *
 * @throws DeblurError `INPUT_NOT_FOUND`, `INPUT_UNREADABLE`.
 */
export async function probe(path: string): Promise<MediaInfo> {
  checkPath(path, 'input');
  const { openInput } = await import('./node-av/input.js');
  const { mediaInfo } = await import('./node-av/media-info.js');
  const input = await openInput(path);
  try {
    return await mediaInfo(input, path);
  } finally {
    await input.closeInput();
  }
}
