/** What the controller may choose from, the best first. */
export interface SpeedLevel {
  /** Edge length of the processed picture relative to the whole one, above 0 to 1. */
  readonly scale: number;
  /** The model asked for, or the lighter one. */
  readonly lighter: boolean;
}

/** Seconds that the network may take of each second, for a level to be taken. */
const comfortable = 0.8;
/** Above this the level is too slow. */
const crowded = 0.97;
/** So low the next better level has to be expected for the controller to go there. */
const roomy = 0.62;
/** Seconds over which it judges. */
const judged = 1.5;
/** Seconds without trouble before it tries a better level; doubled after each try that failed. */
const firstPatience = 8;
const longestPatience = 240;
/** A level left again within so many seconds after going up was a try that failed. */
const failedWithin = 20;
/** Share of frames dropped over the judged time that counts as trouble, whatever the runs took. */
const manyDropped = 0.12;

/** The levels for a model; the lighter model is missing where the model is the lightest itself. */
export function speedLevels(isLightest: boolean): SpeedLevel[] {
  if (!isLightest) {
    return [
      ...[1, 0.75, 0.5].map((scale) => ({ scale, lighter: false })),
      ...[1, 0.75, 0.5, 0.375, 0.25].map((scale) => ({ scale, lighter: true })),
    ];
  }
  return [1, 0.75, 0.5, 0.375, 0.25].map((scale) => ({ scale, lighter: false }));
}

/** Runs from which it judges. */
const enough = 3;
/** A run of so many frames' length is judged by itself. */
const farTooSlow = 6;

/** What happened to a frame. */
export interface SpeedSample {
  /** Milliseconds the network was busy with it; undefined for a frame that was dropped. */
  readonly busy: number | undefined;
  /** Milliseconds between the source's frames. */
  readonly interval: number;
  /** Milliseconds on any clock that runs evenly. */
  readonly now: number;
}

/**
 * Keeps a live stream's rate: goes to a smaller processing size, or to a lighter model, when the network takes longer
 * than a frame lasts, and back when there is room. What a level costs is expected from its picture's area. Going down
 * is quick; going up waits, and waits longer each time it was a mistake.
 */
export class SpeedController {
  readonly #levels: readonly SpeedLevel[];
  #index = 0;
  #samples: SpeedSample[] = [];
  #since: number | undefined;
  #wentUp: number | undefined;
  #patience = firstPatience;

  constructor(levels: readonly SpeedLevel[]) {
    if (levels.length === 0) throw new RangeError('a controller needs levels');
    this.#levels = levels;
  }

  get level(): SpeedLevel {
    const level = this.#levels[this.#index];
    if (!level) throw new RangeError(`there is no level ${this.#index}`);
    return level;
  }

  /** Notes a frame. Returns the new level when it should change; what was measured before it does not count any more. */
  observe(sample: SpeedSample): SpeedLevel | undefined {
    const { now } = sample;
    this.#since ??= now;
    this.#samples.push(sample);
    this.#samples = this.#samples.filter((each) => now - each.now <= judged * 1000);
    const load = this.#load();
    if (load === undefined || now - this.#since < judged * 1000) return undefined;
    const dropped = this.#samples.filter(({ busy }) => busy === undefined).length / this.#samples.length;
    if (load > crowded || (dropped > manyDropped && load > comfortable)) return this.#down(load, now);
    const better = this.#levels[this.#index - 1];
    // What the better model would take is not known from the lighter one's time: that way back is the user's.
    if (better?.lighter !== this.level.lighter || dropped > 0) return undefined;
    const quiet = now - this.#since >= this.#patience * 1000;
    if (!quiet || load * areaRatio(better, this.level) > roomy) return undefined;
    this.#wentUp = now;
    return this.#go(this.#index - 1);
  }

  /** Starts to measure anew, as after a change of level has taken effect. */
  restart(): void {
    this.#samples = [];
    this.#since = undefined;
  }

  /** Share of the time that the network is busy with the frames it gets; undefined before there are some. */
  #load(): number | undefined {
    const busy = this.#samples.flatMap(({ busy }) => busy ?? []).sort((a, b) => a - b);
    const intervals = this.#samples.map(({ interval }) => interval).sort((a, b) => a - b);
    const median = (values: number[]) => values[values.length >> 1];
    const [usual, interval] = [median(busy), median(intervals)];
    if (usual === undefined || !interval) return undefined;
    // One run tells little, unless it took as long as many frames last.
    return busy.length < enough && usual < farTooSlow * interval ? undefined : usual / interval;
  }

  #down(load: number, now: number): SpeedLevel | undefined {
    if (this.#wentUp !== undefined && now - this.#wentUp < failedWithin * 1000) {
      this.#patience = Math.min(this.#patience * 2, longestPatience);
    }
    this.#wentUp = undefined;
    let next = this.#index + 1;
    // Levels of the same model that are expected to be too slow are passed over; the lighter model is tried from its best.
    const { level } = this;
    const tooSlow = (other: SpeedLevel | undefined): boolean =>
      other?.lighter === level.lighter && load * areaRatio(other, level) > comfortable;
    while (tooSlow(this.#levels[next])) next += 1;
    if (next >= this.#levels.length) {
      next = this.#levels.length - 1;
      if (next === this.#index) return undefined;
    }
    return this.#go(next);
  }

  #go(index: number): SpeedLevel {
    this.#index = index;
    this.restart();
    return this.level;
  }
}

function areaRatio(of: SpeedLevel, to: SpeedLevel): number {
  return (of.scale / to.scale) ** 2;
}
