import { BehaviorSubject, Subject, type Subscription } from 'rxjs';
import { DeblurError } from '../errors.js';
import type {
  CameraChunk,
  CameraFormat,
  LiveControl,
  LiveFragment,
  LiveState,
  LiveStatistics,
  Snapshot,
} from '../live/index.js';
import type { LiveFeed } from './feed.js';

/** A live session that can be ended. */
export type EndingFeed = LiveFeed & { close(): Promise<void> };

/** How a viewer's source is opened: with what is shown at present, so that a change of source changes nothing else. */
export type OpenSource = (source: string, present: LiveState) => Promise<EndingFeed>;

/** A feed whose source can be another one, while its viewers stay. */
export class SwitchedFeed implements LiveFeed, AsyncDisposable {
  readonly fragments = new Subject<LiveFragment>();
  readonly state: BehaviorSubject<LiveState>;
  readonly statistics: BehaviorSubject<LiveStatistics>;
  readonly #open: OpenSource;
  /** Fragments as they are counted here, across sources. */
  readonly #counted = new WeakMap<LiveFragment, LiveFragment>();
  #session: EndingFeed;
  #subscriptions: Subscription[] = [];
  #viewers = 0;
  #first = 0;
  #next = 0;
  #changing = false;

  constructor(session: EndingFeed, open: OpenSource) {
    this.#session = session;
    this.#open = open;
    this.state = new BehaviorSubject(session.currentState());
    this.statistics = new BehaviorSubject(session.currentStatistics());
    this.#follow();
  }

  /**
   * Shows another source. The present one goes on when that can't be opened.
   * @throws DeblurError `USAGE` while something is recorded or another change is under way, and what opening throws.
   */
  async change(source: string): Promise<void> {
    if (this.#changing) throw new DeblurError('USAGE', 'The source is being changed already.');
    if (this.currentState().recording) {
      throw new DeblurError('USAGE', 'The source can’t be changed while it is recorded.');
    }
    this.#changing = true;
    try {
      const next = await this.#open(source, this.currentState());
      const last = this.#session;
      this.#leave();
      this.#session = next;
      this.#first = this.#next;
      next.setViewers(this.#viewers);
      this.#follow();
      await last.close();
    } finally {
      this.#changing = false;
    }
  }

  /** Ends the present session. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.close();
    this.#leave();
    this.fragments.complete();
  }

  #follow(): void {
    const { fragments, state, statistics } = this.#session;
    this.#subscriptions = [
      fragments.subscribe((fragment) => {
        this.fragments.next(this.#count(fragment));
      }),
      state.subscribe((value) => {
        this.state.next(value);
      }),
      statistics.subscribe((value) => {
        this.statistics.next(value);
      }),
    ];
  }

  #leave(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  /** Each session counts from 0; viewers see one stream. */
  #count(fragment: LiveFragment): LiveFragment {
    let counted = this.#counted.get(fragment);
    if (!counted) {
      counted = { ...fragment, sequence: (this.#first + fragment.sequence) % 2 ** 32 };
      this.#counted.set(fragment, counted);
      this.#next = counted.sequence + 1;
    }
    return counted;
  }

  currentState(): LiveState {
    return this.#session.currentState();
  }
  currentStatistics(): LiveStatistics {
    return this.#session.currentStatistics();
  }
  latestGroup(): readonly LiveFragment[] {
    return this.#session.latestGroup().map((fragment) => this.#count(fragment));
  }
  setViewers(count: number): void {
    this.#viewers = count;
    this.#session.setViewers(count);
  }
  control(change: LiveControl): Promise<void> {
    return this.#session.control(change);
  }
  requestKeyframe(): void {
    this.#session.requestKeyframe();
  }
  snapshot(): Promise<Snapshot> {
    return this.#session.snapshot();
  }
  startRecording(path: string): Promise<void> {
    if (this.#changing) throw new DeblurError('USAGE', 'The source is being changed.');
    return this.#session.startRecording(path);
  }
  stopRecording(): Promise<void> {
    return this.#session.stopRecording();
  }
  beginCamera(format: CameraFormat): void {
    this.#session.beginCamera(format);
  }
  push(chunk: CameraChunk): boolean {
    return this.#session.push(chunk);
  }
  endCamera(): void {
    this.#session.endCamera();
  }
}
