import { DeblurError } from '../errors.js';
import { lightestModel } from '../models/catalogue.js';
import { openStage, type LiveStage } from './live-stage.js';
import type { ShownPicture } from './live-output.js';
import { processingSize, sameSize } from './picture-size.js';
import { SpeedController, speedLevels, type SpeedSample } from './speed-controller.js';

/** What the owner or a viewer asked for. */
export interface AskedNetwork {
  readonly model: string;
  readonly translator: string | undefined;
}

/** Options of {@link NetworkKeeper}. */
export interface NetworkKeeperOptions extends AskedNetwork {
  /** Keep model and size as asked for, however slow. */
  readonly fixed: boolean;
  readonly provider: string;
  readonly threads: number | undefined;
  readonly signal: AbortSignal;
  /** Called when another stage is to be used from now on, and when the message has changed. */
  readonly onChange: () => void;
}

/** Milliseconds until a network that failed is started again; doubled up to the longest. */
const firstPause = 3_000;
const longestPause = 60_000;

/**
 * Keeps the network of a live stream: loads it while pictures pass as they are, exchanges it when another one, another
 * size or another speed is wanted, and starts it again when it fails. The one in use goes on until the next one is there.
 */
export class NetworkKeeper {
  /** What to tell of the network: that it is being loaded, or why it is not there. */
  message: string | undefined;
  readonly #options: NetworkKeeperOptions;
  #asked: AskedNetwork;
  #shown: ShownPicture | undefined;
  #stage: LiveStage | undefined;
  /** Stages that are used no more, as soon as what runs on them has ended. */
  readonly #replaced: LiveStage[] = [];
  #controller: SpeedController;
  /** Openings, one after another. */
  #work: Promise<void> = Promise.resolve();
  #pending = 0;
  #pause = firstPause;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: NetworkKeeperOptions) {
    this.#options = options;
    const { model, translator } = options;
    this.#asked = { model, translator };
    this.#controller = controllerFor(this.#asked);
  }

  /** What is asked for. */
  get asked(): AskedNetwork {
    return this.#asked;
  }

  /** The stage to use; undefined before the pictures' size is known. */
  get stage(): LiveStage | undefined {
    return this.#stage;
  }

  /** The pictures are like this from now on. They pass as they are until the network for them is there. */
  show(shown: ShownPicture): void {
    this.#shown = shown;
    this.#use(pass(this.#asked, shown));
    this.message = this.#isNetworkAsked() ? 'The network is being loaded.' : undefined;
    this.#options.onChange();
    this.#exchange().catch((error: unknown) => {
      this.#failed(error);
    });
  }

  /**
   * Uses other networks; resolves when they are in use.
   * @throws DeblurError when they can't be opened; then the ones before stay.
   */
  async ask(asked: AskedNetwork): Promise<void> {
    const before = this.#asked;
    if (asked.model === before.model && asked.translator === before.translator) return;
    this.#asked = asked;
    this.#controller = controllerFor(asked);
    try {
      await this.#exchange();
    } catch (error) {
      if (this.#asked === asked) {
        this.#asked = before;
        this.#controller = controllerFor(before);
      }
      throw error;
    }
  }

  /** Notes how a frame went, for the controller. */
  observe(sample: SpeedSample): void {
    // While a network is being loaded, that is what makes this one slow.
    if (this.#options.fixed || this.#pending > 0 || !this.#stage?.session) return;
    if (!this.#controller.observe(sample)) return;
    this.#exchange().catch((error: unknown) => {
      this.#failed(error);
    });
  }

  /** A stage's network failed while it ran: pictures pass as they are, and it is started again. */
  replace(stage: LiveStage, error: unknown): void {
    if (this.#stage === stage && this.#shown) this.#use(pass(this.#asked, this.#shown));
    this.#failed(error);
  }

  /** Frees the stages that were replaced, once nothing runs on them any more. */
  async sweep(): Promise<void> {
    for (const { session } of this.#replaced.splice(0)) await session?.close();
  }

  /** Frees everything, after its signal has fired. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#work;
    this.#use(undefined);
    await this.sweep();
  }

  #use(stage: LiveStage | undefined): void {
    if (this.#stage) this.#replaced.push(this.#stage);
    this.#stage = stage;
  }

  #isNetworkAsked(): boolean {
    return this.#asked.model !== 'none' || this.#asked.translator !== undefined;
  }

  #failed(error: unknown): void {
    const { signal, onChange } = this.#options;
    if (signal.aborted) return;
    this.message = error instanceof DeblurError ? error.message : 'The network failed in an unexpected way.';
    onChange();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#exchange().catch((again: unknown) => {
        this.#failed(again);
      });
    }, this.#pause);
    this.#pause = Math.min(longestPause, this.#pause * 2);
  }

  /** Opens what is wanted at its turn, and puts it in place. */
  #exchange(): Promise<void> {
    this.#pending += 1;
    const work = this.#work.then(() => this.#open());
    this.#work = work
      .catch(() => undefined)
      .then(() => {
        this.#pending -= 1;
        if (this.#pending === 0) this.#controller.restart();
      });
    return work;
  }

  async #open(): Promise<void> {
    const shown = this.#shown;
    if (!shown) return;
    const { provider, threads, signal, onChange } = this.#options;
    const { scale, lighter } = this.#controller.level;
    const { model, translator } = lighter ? { model: lightestModel, translator: undefined } : this.#asked;
    const processing = this.#isNetworkAsked() ? processingSize(shown, scale) : shown;
    const { color } = shown;
    if (this.#isInUse({ model, translator, processing })) return;
    const stage = await openStage({ model, translator, processing, color, provider, threads }, signal);
    if (this.#shown !== shown) {
      await stage.session?.close();
      return;
    }
    this.#use(stage);
    this.#pause = firstPause;
    this.message = undefined;
    onChange();
  }

  #isInUse({ model, translator, processing }: Omit<LiveStage, 'session'>): boolean {
    const stage = this.#stage;
    if (!stage || (this.#isNetworkAsked() && !stage.session)) return false;
    return stage.model === model && stage.translator === translator && sameSize(stage.processing, processing);
  }
}

function controllerFor({ model, translator }: AskedNetwork): SpeedController {
  return new SpeedController(speedLevels(model === lightestModel && translator === undefined));
}

function pass({ model, translator }: AskedNetwork, shown: ShownPicture): LiveStage {
  return { model, translator, processing: shown, session: undefined };
}
