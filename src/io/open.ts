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
  const { FileReader } = await import('./node-av/file-reader.js');
  if (checked.engine === 'node-av') return FileReader.open(path, checked);
  const { findBinary } = await import('./ffmpeg/binary.js');
  const { FfmpegSource } = await import('./ffmpeg/source.js');
  const binary = await findBinary();
  return FileReader.open(path, checked, (input, stream, video, damage) =>
    FfmpegSource.open(binary, path, input, stream, video, damage),
  );
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
  const { createFile } = await import('./node-av/create.js');
  const { sourcePicture } = await import('./node-av/encoder.js');
  const Encoding =
    source.engine === 'node-av'
      ? (await import('./node-av/library-encoding.js')).LibraryEncoding
      : (await import('./ffmpeg/encoding.js')).FfmpegEncoding;
  return createFile(path, checked, (container) => Encoding.open(sourcePicture(source), container, checked));
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
