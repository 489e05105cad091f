import type { ColorTags } from '../../io/frame.js';
import { Frame, tightPlanes } from '../../io/frame.js';
import { judge, type GuardReason } from '../../pipeline/guard.js';
import type { FrameSession, PictureGeometry } from '../../runtime/frame-session.js';
import { TemporalFilter } from '../../temporal/temporal-filter.js';
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

/** A frame to restore. */
export interface RestoredPlace {
  readonly size: Pick<DecodedPicture, 'width' | 'height'>;
  readonly take: TakeWindow;
}

interface Open {
  readonly session: FrameSession;
  readonly filter: TemporalFilter | undefined;
  /** Whether it has restored nothing yet. */
  fresh: boolean;
}

/** What a session made of a frame. */
interface Run extends Omit<Restored, 'picture'> {
  readonly planes: readonly Uint8Array[];
  /** Results that are done with it, this one's or the one's before it. */
  readonly done: readonly (readonly Uint8Array[])[];
}

/** A model that restores pictures, with a session for the size at hand. */
export class Restorer implements AsyncDisposable {
  readonly #sessions: SessionForSize<Open>;
  /** What was announced to come next, and what a session made of it where the one before waited for that. */
  #next: { readonly place: RestoredPlace; readonly run?: Run } | undefined;

  /** @param temporalFilter how much a result takes of those beside it. Default: what suits the model. */
  constructor(open: OpenSession, temporalFilter?: number) {
    this.#sessions = new SessionForSize<Open>(
      async (size) => {
        const geometry = { ...size, format: 'gbrp', color };
        const session = await open(geometry);
        const strength = temporalFilter ?? session.temporalFilter;
        return { session, filter: TemporalFilter.where(geometry, { strength, lookAhead: true }), fresh: true };
      },
      ({ session }) => session.close(),
    );
  }

  /** The execution provider in use, once a frame was restored. */
  get provider(): string | undefined {
    return this.#sessions.latest?.session.provider;
  }

  /**
   * Restores a frame as `deblur run` does: a frame that was announced as the next one continues the one before it.
   *
   * @param next the frame after it in its shot, of the same size. Default: there is none.
   * @throws DeblurError whatever opening and running the session throws.
   */
  async restore(place: RestoredPlace, next?: RestoredPlace): Promise<Restored> {
    const open = await this.#sessions.get(place.size);
    const { filter } = open;
    const known = this.#next?.place === place ? this.#next.run : undefined;
    if (this.#next?.place !== place) filter?.end();
    const run = known ?? (await this.#run(open, place));
    this.#next = next && { place: next };
    const [planes = run.planes] = run.broken
      ? []
      : known || run.done.length === 0
        ? await this.#wait(open, next)
        : run.done;
    const { broken, milliseconds } = run;
    return { picture: interleaved(planes, place.size), milliseconds, broken };
  }

  /** Results that wait for the frame after them. */
  async #wait(open: Open, next: RestoredPlace | undefined): Promise<Run['done']> {
    if (!next) return open.filter?.end() ?? [];
    const run = await this.#run(open, next);
    this.#next = { place: next, run };
    return run.done;
  }

  async #run(open: Open, { take }: RestoredPlace): Promise<Run> {
    const { session, filter } = open;
    const frames = (await take(session.window)).map(frameOf);
    try {
      const started = performance.now();
      const [result] = await session.run([frames]);
      const target = frames[session.window.past];
      if (!result || !target) throw new TypeError('the session gave no result');
      const { planes, health } = result;
      const broken = judge(health);
      const done = filter ? (broken ? filter.end() : filter.push(target, planes)) : [planes];
      const milliseconds = open.fresh ? undefined : performance.now() - started;
      open.fresh = false;
      return { planes, broken, done, milliseconds };
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
