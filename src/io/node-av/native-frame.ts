import { Frame, type FrameProperties, type FrameStorage, type Plane } from '../frame.js';
import { planarFormat, planeSize } from '../pixel-format.js';
import { av, constants as c } from './binding.js';
import { readColor, writeColor } from './color.js';
import { check } from './failure.js';
import { fromNative, toNative } from './rational.js';

/** Storage over FFmpeg's `AVFrame`: `planes()` are views of the decoder's own buffers. */
class NativeStorage implements FrameStorage {
  readonly native: av.Frame;

  constructor(native: av.Frame) {
    this.native = native;
  }

  planes(): readonly Plane[] {
    const { native } = this;
    const name = formatName(native.format as c.AVPixelFormat);
    const format = planarFormat(name);
    if (!format) {
      throw new TypeError(`${name} has no planes of single components; open the video with a planar \`format\``);
    }
    const data = native.data ?? [];
    const strides = native.linesize;
    return format.planes.map((layout, i): Plane => {
      const [width, height] = planeSize(layout, native.width, native.height);
      return { data: data[i]!, stride: strides[i]!, width, height };
    });
  }

  dispose(): void {
    this.native.free();
  }
}

/** FFmpeg's name of a pixel format number. */
export function formatName(format: c.AVPixelFormat): string {
  return av.avGetPixFmtName(format) ?? 'unknown';
}

/** A frame that a decoder or a filter can give its next picture in. */
export function emptyPicture(): av.Frame {
  const frame = new av.Frame();
  frame.alloc();
  return frame;
}

/** A picture of the given size and format with uninitialised samples. */
export function allocatePicture(format: c.AVPixelFormat, width: number, height: number): av.Frame {
  const frame = emptyPicture();
  frame.format = format;
  frame.width = width;
  frame.height = height;
  const code = frame.getBuffer();
  if (code < 0) frame.free();
  check(code, 'ENGINE_FAILED', `No memory for a ${width}x${height} picture`);
  return frame;
}

const fullRangeTwins = new Map<c.AVPixelFormat, c.AVPixelFormat>([
  [c.AV_PIX_FMT_YUVJ420P, c.AV_PIX_FMT_YUV420P],
  [c.AV_PIX_FMT_YUVJ422P, c.AV_PIX_FMT_YUV422P],
  [c.AV_PIX_FMT_YUVJ444P, c.AV_PIX_FMT_YUV444P],
  [c.AV_PIX_FMT_YUVJ440P, c.AV_PIX_FMT_YUV440P],
  [c.AV_PIX_FMT_YUVJ411P, c.AV_PIX_FMT_YUV411P],
]);

/** The format without the deprecated "J" (full range) names: the range is a colour tag. */
export function plainFormat(format: c.AVPixelFormat): c.AVPixelFormat {
  return fullRangeTwins.get(format) ?? format;
}

/** Renames a `yuvj…` frame to its twin with the range tag set; the samples are the same. */
export function plainRange(frame: av.Frame): void {
  const twin = fullRangeTwins.get(frame.format as c.AVPixelFormat);
  if (twin === undefined) return;
  frame.format = twin;
  frame.colorRange = c.AVCOL_RANGE_JPEG;
}

/** Wraps a decoded picture, whose ownership passes to the frame. */
export function wrapFrame(
  native: av.Frame,
  rest: Pick<FrameProperties, 'index' | 'pts' | 'duration' | 'timeBase' | 'corrupt'>,
): Frame {
  return new Frame(
    {
      ...rest,
      width: native.width,
      height: native.height,
      format: formatName(native.format as c.AVPixelFormat),
      color: readColor(native),
      sampleAspectRatio: fromNative(native.sampleAspectRatio),
    },
    new NativeStorage(native),
  );
}

/** The frame's picture as an `AVFrame` that the caller frees: another reference where the frame is native, else a copy of its rows. */
export function nativePicture(frame: Frame): av.Frame {
  if (frame.storage instanceof NativeStorage) {
    const reference = frame.storage.native.clone();
    if (!reference) throw new RangeError('no memory for a frame reference');
    return reference;
  }
  const { properties, storage } = frame;
  const native = allocatePicture(av.avGetPixFmtFromName(properties.format), properties.width, properties.height);
  if (storage.origin instanceof NativeStorage) native.copyProps(storage.origin.native);
  writeColor(native, properties.color);
  native.sampleAspectRatio = toNative(properties.sampleAspectRatio);
  const data = native.data ?? [];
  const strides = native.linesize;
  for (const [i, plane] of frame.planes().entries())
    copyRows(plane, data[i]!, strides[i]!, rowBytes(plane, properties.format));
  return native;
}

function rowBytes(plane: Plane, format: string): number {
  return plane.width * (planarFormat(format)?.bytesPerSample ?? 1);
}

/** Copies a plane's rows of so many bytes to samples whose rows are `stride` bytes apart. */
export function copyRows(from: Plane, to: Uint8Array, stride: number, bytes: number): void {
  if (from.stride === stride) {
    to.set(from.data.subarray(0, Math.min(from.data.length, stride * (from.height - 1) + bytes)));
    return;
  }
  for (let y = 0; y < from.height; y += 1) {
    to.set(from.data.subarray(y * from.stride, y * from.stride + bytes), y * stride);
  }
}
