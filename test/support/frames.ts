import { Frame, tightPlanes, type ColorTags, type FrameProperties } from '../../src/io/frame.js';
import { planarFormat, planeSize } from '../../src/io/pixel-format.js';
import type { PictureGeometry } from '../../src/runtime/frame-session.js';

/** Colours as most video has them. */
export const bt709: ColorTags = {
  range: 'tv',
  matrix: 'bt709',
  primaries: 'bt709',
  transfer: 'bt709',
  chromaLocation: 'left',
};

/** A frame at 25 frames/s of planes without padding. */
export function planesFrame(
  planes: readonly Uint8Array[],
  properties: Pick<FrameProperties, 'width' | 'height' | 'format'> & Partial<FrameProperties>,
): Frame {
  const { index = 0 } = properties;
  const full: FrameProperties = {
    index,
    pts: BigInt(index * 40),
    duration: 40n,
    timeBase: { num: 1, den: 1000 },
    color: bt709,
    sampleAspectRatio: { num: 1, den: 1 },
    corrupt: false,
    ...properties,
  };
  return new Frame(full, tightPlanes(full, planes));
}

/** A gray frame at 25 frames/s; `luma` is one value for all samples or a function of the position. */
export function grayFrame(
  index: number,
  luma: number | ((x: number, y: number) => number) = 128,
  properties: Partial<FrameProperties> = {},
): Frame {
  const full = { index, width: 64, height: 36, format: 'gray', ...properties };
  const data = new Uint8Array(full.width * full.height);
  for (let i = 0; i < data.length; i += 1) {
    data[i] = typeof luma === 'number' ? luma : luma(i % full.width, Math.floor(i / full.width));
  }
  return planesFrame([data], full);
}

/** A repeatable stand-in for picture content: every plane filled with smooth waves and some noise. */
export function testFrame(geometry: PictureGeometry, index = 0, padding = 0): Frame {
  const format = planarFormat(geometry.format);
  if (!format) throw new TypeError(geometry.format);
  const max = 2 ** format.depth - 1;
  let seed = 1234 + index;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const planes = format.planes.map((layout, p) => {
    const [width, height] = planeSize(layout, geometry.width, geometry.height);
    const stride = (width + padding) * format.bytesPerSample;
    const data = new Uint8Array(stride * height);
    const samples = format.bytesPerSample === 1 ? data : new Uint16Array(data.buffer);
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const wave = 0.5 + 0.3 * Math.sin((x + index) / (5 + p)) * Math.cos(y / (7 - p)) + 0.1 * (random() - 0.5);
        samples[y * (width + padding) + x] = Math.round(wave * max);
      }
    }
    return { data, stride, width, height };
  });
  const properties = {
    ...geometry,
    index,
    pts: BigInt(index),
    duration: 1n,
    timeBase: { num: 1, den: 25 },
    sampleAspectRatio: { num: 1, den: 1 },
    corrupt: false,
  };
  return new Frame(properties, { planes: () => planes, dispose: () => undefined });
}

/** A frame's planes without row padding. */
export function packed(frame: Frame): Uint8Array[] {
  const { bytesPerSample = 1 } = planarFormat(frame.properties.format) ?? {};
  return frame.planes().map((plane) => {
    const row = plane.width * bytesPerSample;
    const out = new Uint8Array(row * plane.height);
    for (let y = 0; y < plane.height; y += 1)
      out.set(plane.data.subarray(y * plane.stride, y * plane.stride + row), y * row);
    return out;
  });
}

/** Pixel formats of every model, subsampling, depth and with alpha: what a session has to get right. */
export const sampledFormats = [
  'yuv420p',
  'yuv422p',
  'yuv444p',
  'yuv440p',
  'yuv411p',
  'yuv410p',
  'gray',
  'gbrp',
  'yuva420p',
  'yuv420p10le',
  'yuv422p12le',
  'gray16le',
  'gbrap16le',
];
