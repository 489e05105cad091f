import { planarFormat, planeSize } from './pixel-format.js';

/** A fraction, as FFmpeg keeps time bases and aspect ratios. */
export interface Rational {
  readonly num: number;
  readonly den: number;
}

/** Colour tags with FFmpeg's names (`tv`, `bt709`, `smpte170m`, `smpte2084`, `left`, …); `unknown` where the source does not say. */
export interface ColorTags {
  readonly range: string;
  readonly matrix: string;
  readonly primaries: string;
  readonly transfer: string;
  readonly chromaLocation: string;
}

/** One plane's samples: rows of `stride` bytes, of which the first `width * bytesPerSample` are picture. */
export interface Plane {
  readonly data: Uint8Array;
  /** Bytes from one row to the next. */
  readonly stride: number;
  /** Samples per row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** Everything about a frame but its samples. */
export interface FrameProperties {
  /** Position in presentation order from 0. */
  readonly index: number;
  /** Presentation timestamp in units of `timeBase`. */
  readonly pts: bigint;
  /** Duration in units of `timeBase`, 0n where unknown. */
  readonly duration: bigint;
  readonly timeBase: Rational;
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  /** FFmpeg's pixel format name. */
  readonly format: string;
  readonly color: ColorTags;
  readonly sampleAspectRatio: Rational;
  /** True when the decoder concealed an error in this frame. */
  readonly corrupt: boolean;
}

/** Where a frame's samples live. Engines implement it over their native handle. */
export interface FrameStorage {
  /** The storage these samples were made from: its side data (captions, HDR metadata) is theirs too. */
  readonly origin?: FrameStorage;
  /** Views of the samples, valid until `dispose`. */
  planes(): readonly Plane[];
  /** Frees the samples; called once. */
  dispose(): void;
}

let alive = 0;

/** Frames created and not yet disposed, in the whole process. For tests and diagnostics. */
export function liveFrames(): number {
  return alive;
}

/**
 * A picture with its place in time, in the pixel format the decoder produced. It owns native memory:
 * whoever receives a frame disposes it, or hands it to someone who does.
 */
export class Frame implements Disposable {
  readonly properties: FrameProperties;
  /** The engine's storage; an engine that knows it may use its native handle without a copy. */
  readonly storage: FrameStorage;
  /** Handles that share the storage; the last one disposes it. */
  readonly #holders: { count: number };
  #disposed = false;

  constructor(properties: FrameProperties, storage: FrameStorage, holders = { count: 0 }) {
    this.properties = properties;
    this.storage = storage;
    this.#holders = holders;
    holders.count += 1;
    alive += 1;
  }

  get index(): number {
    return this.properties.index;
  }

  /** Presentation time in seconds, for display; exact arithmetic uses `properties.pts`. */
  get seconds(): number {
    const { pts, timeBase } = this.properties;
    return (Number(pts) * timeBase.num) / timeBase.den;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** The samples, plane by plane, without a copy. Views are valid until the frame is disposed. */
  planes(): readonly Plane[] {
    if (this.#disposed) throw new TypeError(`frame ${this.index} is used after it was disposed`);
    return this.storage.planes();
  }

  /** A second handle on the same samples, to be disposed on its own. */
  share(): Frame {
    if (this.#disposed) throw new TypeError(`frame ${this.index} is used after it was disposed`);
    return new Frame(this.properties, this.storage, this.#holders);
  }

  /** A frame with this one's time, colour and size, and other samples of the same format. */
  withPlanes(planes: readonly Uint8Array[]): Frame {
    const origin = this.share();
    const storage = tightPlanes(this.properties, planes);
    const dispose = () => {
      origin.dispose();
    };
    return new Frame(this.properties, { planes: () => storage.planes(), dispose, origin: this.storage });
  }

  /** Gives this handle back; the samples go with the last one. Safe to call twice. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    alive -= 1;
    this.#holders.count -= 1;
    if (this.#holders.count === 0) this.storage.dispose();
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Storage over JavaScript memory: one array per plane, rows without padding. */
export function tightPlanes(
  picture: Pick<FrameProperties, 'format' | 'width' | 'height'>,
  arrays: readonly Uint8Array[],
): FrameStorage {
  const format = planarFormat(picture.format);
  if (!format) throw new TypeError(`${picture.format} is not a planar format`);
  const planes = format.planes.map((layout, i): Plane => {
    const [width, height] = planeSize(layout, picture.width, picture.height);
    const stride = width * format.bytesPerSample;
    const data = arrays[i];
    if (data?.byteLength !== stride * height) {
      throw new TypeError(
        `plane ${i} of ${picture.format} ${picture.width}x${picture.height} needs ${stride * height} bytes, got ${data?.byteLength}`,
      );
    }
    return { data, stride, width, height };
  });
  return { planes: () => planes, dispose: () => undefined };
}
