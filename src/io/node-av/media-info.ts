import { DeblurError } from '../../errors.js';
import type { MediaInfo, StreamInfo, VideoStreamInfo } from '../video.js';
import { av, constants as c } from './binding.js';
import { readChapters } from './chapter-list.js';
import { readColor } from './color.js';
import { formatName, plainFormat } from './native-frame.js';
import { fromNative } from './rational.js';

const types = new Map<c.AVMediaType, StreamInfo['type']>([
  [c.AVMEDIA_TYPE_VIDEO, 'video'],
  [c.AVMEDIA_TYPE_AUDIO, 'audio'],
  [c.AVMEDIA_TYPE_SUBTITLE, 'subtitle'],
  [c.AVMEDIA_TYPE_DATA, 'data'],
  [c.AVMEDIA_TYPE_ATTACHMENT, 'attachment'],
]);

/** The main picture's stream, or undefined. */
export function mainVideo(context: av.FormatContext): av.Stream | undefined {
  const index = context.findBestStream(c.AVMEDIA_TYPE_VIDEO);
  const stream = index < 0 ? undefined : context.streams[index];
  return stream && (stream.disposition & c.AV_DISPOSITION_ATTACHED_PIC) === 0 ? stream : undefined;
}

/** An opened container, described. */
export async function mediaInfo(context: av.FormatContext, path: string): Promise<MediaInfo> {
  const chapters = await readChapters(context);
  return {
    path,
    container: context.iformat?.name ?? 'unknown',
    duration: context.duration > 0n ? Number(context.duration) / 1e6 : undefined,
    metadata: context.metadata?.getAll() ?? {},
    chapters: chapters.length,
    streams: context.streams.map((stream) =>
      stream.codecpar.codecType === c.AVMEDIA_TYPE_VIDEO ? videoInfo(stream) : streamInfo(stream),
    ),
  };
}

/** A stream, described. */
export function streamInfo(stream: av.Stream): StreamInfo {
  const { codecpar } = stream;
  const id = codecpar.codecId;
  const name = id === c.AV_CODEC_ID_NONE ? codecpar.codecTagString : av.avGetCodecName(id);
  return {
    index: stream.index,
    type: types.get(codecpar.codecType) ?? 'unknown',
    codec: name ?? 'unknown',
    metadata: stream.metadata?.getAll() ?? {},
  };
}

/** A video stream, described. */
export function videoInfo(stream: av.Stream): VideoStreamInfo {
  const { codecpar } = stream;
  const format = codecpar.format as c.AVPixelFormat;
  const plain = plainFormat(format);
  const color = readColor(codecpar);
  const average = stream.avgFrameRate.num > 0 ? stream.avgFrameRate : stream.rFrameRate;
  const ratio = stream.sampleAspectRatio.num > 0 ? stream.sampleAspectRatio : codecpar.sampleAspectRatio;
  return {
    ...streamInfo(stream),
    type: 'video',
    width: codecpar.width,
    height: codecpar.height,
    format: formatName(plain),
    timeBase: fromNative(stream.timeBase),
    averageRate: average.num > 0 && average.den > 0 ? fromNative(average) : { num: 0, den: 1 },
    sampleAspectRatio: fromNative(ratio),
    color: plain === format ? color : { ...color, range: 'pc' },
    rotation: rotation(stream),
    frameCount: stream.nbFrames > 0n ? Number(stream.nbFrames) : undefined,
  };
}

/** Clockwise rotation in degrees, 0 to 359, by the display matrix (ISO/IEC 14496-12 §6.2.2, 16.16 fixed point). */
function rotation(stream: av.Stream): number {
  const matrix = stream.codecpar.getCodedSideData(c.AV_PKT_DATA_DISPLAYMATRIX);
  if (!matrix || matrix.length < 36) return 0;
  const [a, b] = [matrix.readInt32LE(0), matrix.readInt32LE(4)];
  const degrees = Math.round((Math.atan2(b, a) * 180) / Math.PI);
  return (degrees + 360) % 360;
}

/** The main video stream, or an `INPUT_UNREADABLE` error that says what the file has in its place. */
export function requireVideo(context: av.FormatContext, path: string): av.Stream {
  const stream = mainVideo(context);
  if (stream) {
    if (stream.codecpar.width > 0 && stream.codecpar.height > 0) return stream;
    throw new DeblurError('INPUT_UNREADABLE', `${path} has a video stream, but no picture in it can be decoded.`);
  }
  const kinds = [...new Set(context.streams.map((each) => streamInfo(each).type))].join(', ');
  const has = kinds === '' ? 'no stream at all' : `only ${kinds}`;
  throw new DeblurError('INPUT_UNREADABLE', `${path} has no video: it holds ${has}.`);
}
