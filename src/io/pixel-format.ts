/** Which picture component a plane holds. */
export type Component = 'y' | 'u' | 'v' | 'r' | 'g' | 'b' | 'a';

/** One plane of a planar pixel format. */
export interface PlaneLayout {
  readonly component: Component;
  /** log2 of the horizontal subsampling: the plane is `ceil(width / 2^shiftX)` samples wide. */
  readonly shiftX: number;
  /** log2 of the vertical subsampling. */
  readonly shiftY: number;
}

/**
 * A planar pixel format: one component per plane, 8 bits in a byte or 9-16 bits in a little-endian
 * 16-bit word. These are the formats that networks read and write without a conversion in JavaScript.
 */
export interface PixelFormat {
  /** FFmpeg's name, for instance `yuv420p10le`. */
  readonly name: string;
  readonly model: 'yuv' | 'rgb' | 'gray';
  /** Bits per sample, 8 to 16. */
  readonly depth: number;
  /** 1 for 8 bits, else 2. */
  readonly bytesPerSample: 1 | 2;
  readonly alpha: boolean;
  /** Planes in FFmpeg's order (gbrp is g, b, r). */
  readonly planes: readonly PlaneLayout[];
}

const formats = new Map<string, PixelFormat>();

function define(
  base: string,
  depth: number,
  model: PixelFormat['model'],
  components: string,
  shift: readonly [number, number],
) {
  const planes = [...components].map((c): PlaneLayout => {
    const component = c as Component;
    const chroma = component === 'u' || component === 'v';
    return { component, shiftX: chroma ? shift[0] : 0, shiftY: chroma ? shift[1] : 0 };
  });
  const name = depth === 8 ? base : `${base}${depth}le`;
  formats.set(name, {
    name,
    model,
    depth,
    bytesPerSample: depth === 8 ? 1 : 2,
    alpha: components.includes('a'),
    planes,
  });
}

const subsamplings = {
  '410': [2, 2],
  '411': [2, 0],
  '420': [1, 1],
  '422': [1, 0],
  '440': [0, 1],
  '444': [0, 0],
} as const;
for (const [ratio, shift] of Object.entries(subsamplings)) {
  const depths = {
    '420': [8, 9, 10, 12, 14, 16],
    '422': [8, 9, 10, 12, 14, 16],
    '444': [8, 9, 10, 12, 14, 16],
    '440': [8, 10, 12],
  }[ratio] ?? [8];
  for (const depth of depths) define(`yuv${ratio}p`, depth, 'yuv', 'yuv', shift);
}
for (const ratio of ['420', '422', '444'] as const) {
  for (const depth of ratio === '420' ? [8, 9, 10, 16] : [8, 9, 10, 12, 16])
    define(`yuva${ratio}p`, depth, 'yuv', 'yuva', subsamplings[ratio]);
}
for (const depth of [8, 9, 10, 12, 14, 16]) define('gbrp', depth, 'rgb', 'gbr', [0, 0]);
for (const depth of [8, 10, 12, 14, 16]) define('gbrap', depth, 'rgb', 'gbra', [0, 0]);
for (const depth of [8, 9, 10, 12, 14, 16]) define('gray', depth, 'gray', 'y', [0, 0]);

/** The planar format of that FFmpeg name, or undefined for packed, semi-planar, float and hardware formats. */
export function planarFormat(name: string): PixelFormat | undefined {
  return formats.get(name);
}

const planarTwins: Readonly<Record<string, string>> = {
  yuvj420p: 'yuv420p',
  yuvj422p: 'yuv422p',
  yuvj444p: 'yuv444p',
  yuvj440p: 'yuv440p',
  yuvj411p: 'yuv411p',
  nv12: 'yuv420p',
  nv21: 'yuv420p',
  nv16: 'yuv422p',
  nv24: 'yuv444p',
  p010le: 'yuv420p10le',
  p012le: 'yuv420p12le',
  p016le: 'yuv420p16le',
  p210le: 'yuv422p10le',
  p410le: 'yuv444p10le',
  yuyv422: 'yuv422p',
  uyvy422: 'yuv422p',
  y210le: 'yuv422p10le',
  rgb24: 'gbrp',
  bgr24: 'gbrp',
  rgb0: 'gbrp',
  bgr0: 'gbrp',
  '0rgb': 'gbrp',
  '0bgr': 'gbrp',
  rgba: 'gbrap',
  bgra: 'gbrap',
  argb: 'gbrap',
  abgr: 'gbrap',
  pal8: 'gbrap',
  rgb48le: 'gbrp16le',
  rgb48be: 'gbrp16le',
  rgba64le: 'gbrap16le',
  rgba64be: 'gbrap16le',
  x2rgb10le: 'gbrp10le',
  ya8: 'gbrap',
  ya16le: 'gbrap16le',
  ya16be: 'gbrap16le',
  gray16be: 'gray16le',
  gray10be: 'gray10le',
  monow: 'gray',
  monob: 'gray',
  yuv420p10be: 'yuv420p10le',
  yuv422p10be: 'yuv422p10le',
  yuv444p10be: 'yuv444p10le',
};

/**
 * The planar format a network should read for a source of the given format: the format itself when
 * it is planar, else the planar one that holds the same samples, else `gbrp16le`.
 */
export function workingFormat(name: string): PixelFormat {
  const found = formats.get(name) ?? formats.get(planarTwins[name] ?? 'gbrp16le');
  if (!found) throw new TypeError(`no planar twin for ${name}`);
  return found;
}

/** Size of a plane in samples, `[width, height]`, for a picture of the given size. */
export function planeSize(plane: PlaneLayout, width: number, height: number): [number, number] {
  return [-(-width >> plane.shiftX), -(-height >> plane.shiftY)];
}
