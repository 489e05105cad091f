import { DeblurError } from '../../errors.js';
import type { Frame } from '../frame.js';
import { av } from './binding.js';
import { check } from './failure.js';
import { emptyPicture, nativePicture, wrapFrame } from './native-frame.js';
import { fromNative } from './rational.js';

/** One of FFmpeg's filters with its options, for instance `['scale', '640:360']`. */
export type FilterStep = readonly [name: string, options?: string];

/**
 * A chain of FFmpeg's video filters. Frames are numbered as they come: their times are 0, 1, 2, …, so that a filter
 * that works in time (`minterpolate=fps=4`) divides the intervals between frames, however long they were.
 */
export class FrameFilter implements Disposable {
  readonly #graph: av.FilterGraph;
  readonly #source: av.FilterContext;
  readonly #sink: av.FilterContext;
  #pushed = 0n;
  #pulled = 0;

  private constructor(graph: av.FilterGraph, source: av.FilterContext, sink: av.FilterContext) {
    this.#graph = graph;
    this.#source = source;
    this.#sink = sink;
  }

  /**
   * Sets a chain up for frames like the given one.
   * @throws DeblurError `FORMAT_UNSUPPORTED` when the chain does not take them, `CODEC_UNAVAILABLE` for a filter that
   * this FFmpeg lacks.
   */
  static async open(like: Frame, steps: readonly FilterStep[]): Promise<FrameFilter> {
    using picture = nativePicture(like);
    const graph = new av.FilterGraph();
    graph.alloc();
    try {
      graph.nbThreads = 1;
      const { width, height, format, colorSpace, colorRange } = picture;
      const options =
        `video_size=${width}x${height}:pix_fmt=${format}:time_base=1/1:frame_rate=1/1:pixel_aspect=1/1` +
        `:colorspace=${colorSpace}:range=${colorRange}`;
      const all: FilterStep[] = [['buffer', options], ...steps, ['buffersink']];
      const contexts = all.map(([name, given], i) => {
        const filter = av.Filter.getByName(name);
        if (!filter) throw new DeblurError('CODEC_UNAVAILABLE', `This FFmpeg has no filter ${name}.`);
        return addFilter(graph, filter, `${name}-${i}`, given);
      });
      for (const [i, context] of contexts.entries()) {
        const next = contexts[i + 1];
        if (next) check(context.link(0, next, 0), 'FORMAT_UNSUPPORTED', `${all[i]?.[0]} can't be followed`);
      }
      check(await graph.config(), 'FORMAT_UNSUPPORTED', 'The filters do not take these pictures');
      const [source, sink] = [contexts[0], contexts[contexts.length - 1]];
      if (!source || !sink) throw new RangeError('a chain has two ends');
      return new FrameFilter(graph, source, sink);
    } catch (error) {
      graph.free();
      throw error;
    }
  }

  /** Gives a frame to the chain, which stays the caller's, and returns the frames that come out, which are the caller's, too. */
  async push(frame: Frame): Promise<Frame[]> {
    using picture = nativePicture(frame);
    picture.pts = this.#pushed;
    picture.duration = 1n;
    this.#pushed += 1n;
    check(await this.#source.buffersrcAddFrame(picture), 'ENGINE_FAILED', 'A picture cannot be filtered');
    return this.#drain();
  }

  /** Ends the input and returns the frames that were kept back. */
  async end(): Promise<Frame[]> {
    check(await this.#source.buffersrcAddFrame(null), 'ENGINE_FAILED', 'The filters cannot be flushed');
    return this.#drain();
  }

  async #drain(): Promise<Frame[]> {
    const timeBase = fromNative(this.#sink.buffersinkGetTimeBase());
    const frames: Frame[] = [];
    for (;;) {
      const picture = emptyPicture();
      if ((await this.#sink.buffersinkGetFrame(picture)) < 0) {
        picture.free();
        return frames;
      }
      frames.push(
        wrapFrame(picture, {
          index: this.#pulled,
          pts: picture.pts,
          duration: picture.duration,
          timeBase,
          corrupt: false,
        }),
      );
      this.#pulled += 1;
    }
  }

  [Symbol.dispose](): void {
    this.#graph.free();
  }
}

function addFilter(graph: av.FilterGraph, filter: av.Filter, name: string, options: string | undefined) {
  let cause: unknown;
  try {
    const context = graph.createFilter(filter, name, options ?? null);
    if (context) return context;
  } catch (error) {
    cause = error;
  }
  throw new DeblurError('FORMAT_UNSUPPORTED', `The filter ${filter.name} refuses the options ${options ?? ''}.`, {
    cause,
  });
}
