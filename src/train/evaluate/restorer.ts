import type { ColorTags } from '../../io/frame.js';
import { Frame, tightPlanes } from '../../io/frame.js';
import { judge, type GuardReason } from '../../pipeline/guard.js';
import type { FrameSession, PictureGeometry } from '../../runtime/frame-session.js';
import { SessionForSize } from '../session-for-size.js';
import type { DecodedPicture } from '../sets/picture-cache.js';

/** Opens a session for pictures of one size. */
export type OpenSession = (geometry: PictureGeometry) => Promise<FrameSession>;

/** A restored frame. */
export interface Restored {
  readonly picture: DecodedPicture;
  /** How long the network took, handing over the samples included; undefined for a session's first frame, which loads it. */
  readonly milliseconds: number | undefined;
  /** What is wrong with the result, for which `deblur run` would write the source instead. */
  readonly broken: GuardReason | undefined;
}

/** Frames around one: from `past` before to `future` after it. */
export type TakeWindow = (window: FrameSession['window']) => Promise<readonly DecodedPicture[]>;

const color: ColorTags = {
  range: 'pc',
  matrix: 'gbr',
  primaries: 'bt709',
  transfer: 'iec61966-2-1',
  chromaLocation: 'unspecified',
};

interface Open {
  readonly session: FrameSession;
  /** Whether it has restored nothing yet. */
  fresh: boolean;
}

/** A model that restores pictures, with a session for the size at hand. */
export class Restorer implements AsyncDisposable {
  readonly #sessions: SessionForSize<Open>;

  constructor(open: OpenSession) {
    this.#sessions = new SessionForSize<Open>(
      async (size) => ({ session: await open({ ...size, format: 'gbrp', color }), fresh: true }),
      ({ session }) => session.close(),
    );
  }

  /** The execution provider in use, once a frame was restored. */
  get provider(): string | undefined {
    return this.#sessions.latest?.session.provider;
  }

  /**
   * Restores a frame.
   * @throws DeblurError whatever opening and running the session throws.
   */
  async restore(size: Pick<DecodedPicture, 'width' | 'height'>, take: TakeWindow): Promise<Restored> {
    const open = await this.#sessions.get(size);
    const frames = (await take(open.session.window)).map(frameOf);
    try {
      const started = performance.now();
      const [result] = await open.session.run([frames]);
      const milliseconds = performance.now() - started;
      if (!result) throw new TypeError('the session gave no result');
      const known = open.fresh ? undefined : milliseconds;
      open.fresh = false;
      return { picture: interleaved(result.planes, size), milliseconds: known, broken: judge(result.health) };
    } finally {
      for (const frame of frames) frame.dispose();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#sessions[Symbol.asyncDispose]();
  }
}

/** A picture's samples as planes of FFmpeg's `gbrp`. */
function frameOf({ data, width, height }: DecodedPicture, index: number): Frame {
  const planes = [1, 2, 0].map((channel) => {
    const plane = new Uint8Array(width * height);
    for (let i = 0, at = channel; i < plane.length; i += 1, at += 3) plane[i] = data[at]!;
    return plane;
  });
  const properties = {
    ...{ index, pts: BigInt(index), duration: 1n, timeBase: { num: 1, den: 25 }, width, height, format: 'gbrp', color },
    ...{ sampleAspectRatio: { num: 1, den: 1 }, corrupt: false },
  };
  return new Frame(properties, tightPlanes(properties, planes));
}

function interleaved(
  planes: readonly Uint8Array[],
  { width, height }: Pick<DecodedPicture, 'width' | 'height'>,
): DecodedPicture {
  const data = new Uint8Array(3 * width * height);
  [1, 2, 0].forEach((channel, p) => {
    const plane = planes[p];
    if (!plane) throw new TypeError('the session gave too few planes');
    for (let i = 0, at = channel; i < plane.length; i += 1, at += 3) data[at] = plane[i]!;
  });
  return { data, width, height };
}
