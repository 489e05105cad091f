import { DeblurError } from '../errors.js';
import type { Frame } from '../io/frame.js';
import { planarFormat } from '../io/pixel-format.js';

/** Sample arrays a picture may be made of. */
export type Samples = Uint8Array | Uint16Array | Float32Array | Float64Array;

/** One channel of a picture: sample (x, y) is `data[offset + y * stride + x * step]`. */
export interface Channel {
  readonly data: Samples;
  readonly offset: number;
  /** Samples from one pixel to the next. */
  readonly step: number;
  /** Samples from one row to the next. */
  readonly stride: number;
}

/** A picture to measure: strided views of samples, no copy. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** In the order of the colour space (R, G, B), which 3-D SSIM depends on. */
  readonly channels: readonly Channel[];
  /** The value of full intensity: 255 for 8 bits, 1023 for 10, 1 for floats in [0, 1]. */
  readonly range: number;
}

/** How an array holds a picture. */
export interface ArrayLayout {
  readonly width: number;
  readonly height: number;
  /** Default 3. */
  readonly channels?: number;
  /** `hwc` is interleaved, `chw` is plane after plane. Default `hwc`. */
  readonly layout?: 'hwc' | 'chw';
  /** The value of full intensity. Default 255 for `Uint8Array`, 65535 for `Uint16Array`, 1 for floats. */
  readonly range?: number;
}

function defaultRange(data: Samples): number {
  if (data instanceof Uint8Array) return 255;
  return data instanceof Uint16Array ? 65535 : 1;
}

/** A picture over an array of samples, rows without padding. */
export function pictureFromArray(data: Samples, options: ArrayLayout): Picture {
  const { width, height, channels = 3, layout = 'hwc', range = defaultRange(data) } = options;
  if (data.length !== width * height * channels) {
    throw new TypeError(
      `a ${width}x${height}x${channels} picture needs ${width * height * channels} samples, got ${data.length}`,
    );
  }
  const interleaved = layout === 'hwc';
  const step = interleaved ? channels : 1;
  return {
    width,
    height,
    range,
    channels: Array.from({ length: channels }, (_, c) => ({
      data,
      offset: interleaved ? c : c * width * height,
      step,
      stride: width * step,
    })),
  };
}

/**
 * A picture over the planes of an RGB or gray frame, valid until the frame is disposed. Alpha is left
 * out.
 * @throws TypeError for formats of another colour model: ask the reader for `gbrp…`.
 */
export function pictureFromFrame(frame: Frame): Picture {
  const { width, height, format } = frame.properties;
  const layout = planarFormat(format);
  if (!layout || layout.model === 'yuv') throw new TypeError(`${format} is not a planar RGB or gray format`);
  const planes = frame.planes();
  const channels = (layout.model === 'gray' ? ['y'] : ['r', 'g', 'b']).map((component): Channel => {
    const plane = planes[layout.planes.findIndex((p) => p.component === component)];
    if (!plane) throw new TypeError(`the frame has no ${component} plane`);
    const { data, stride } = plane;
    if (layout.bytesPerSample === 1) return { data, offset: 0, step: 1, stride };
    // A 16-bit view needs an even address; FFmpeg's planes have one, other storage may not.
    const aligned = data.byteOffset % 2 === 0 ? data : new Uint8Array(data);
    const words = new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >> 1);
    return { data: words, offset: 0, step: 1, stride: stride >> 1 };
  });
  return { width, height, channels, range: 2 ** layout.depth - 1 };
}

/** Copies row `y` of a channel to `out`, scaled so that full intensity is 1. */
export function readRow(picture: Picture, channel: number, y: number, out: Float64Array): void {
  const { data, offset, step, stride } = picture.channels[channel]!;
  const start = offset + y * stride;
  const scale = 1 / picture.range;
  for (let x = 0, at = start; x < picture.width; x++, at += step) out[x] = data[at]! * scale;
}

/**
 * Refuses pictures that cannot be compared.
 * @throws DeblurError `FORMAT_UNSUPPORTED` when sizes or channel counts differ.
 */
export function requireSameShape(a: Picture, b: Picture): void {
  if (a.width === b.width && a.height === b.height && a.channels.length === b.channels.length) return;
  const describe = (p: Picture) => `${p.width}x${p.height} with ${p.channels.length} channels`;
  throw new DeblurError(
    'FORMAT_UNSUPPORTED',
    `Pictures of different shape cannot be compared: ${describe(a)} and ${describe(b)}.`,
  );
}
