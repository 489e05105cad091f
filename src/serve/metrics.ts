import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { jobStates, sourceStates, type Job } from '../protocol/index.js';
import type { LiveFeed } from './feed.js';

/** What the figures are of. */
export interface MetricsSources {
  feed?: Pick<LiveFeed, 'currentState' | 'currentStatistics'>;
  /** All connections, and those that get the stream. */
  connections: () => { all: number; viewers: number };
  jobs: () => readonly Job[];
}

/** Figures of the server for Prometheus. */
export class Metrics {
  readonly #registry = new Registry();
  /** Connections that were refused, by `reason`. */
  readonly refused: Counter<'reason'>;
  /** Messages from clients that were not right, by `reason`. */
  readonly badMessages: Counter<'reason'>;
  /** Connections that ended, by the `code` of the close frame. */
  readonly closed: Counter<'code'>;
  readonly sentBytes: Counter;
  readonly sentFragments: Counter;
  readonly skippedFragments: Counter;

  constructor({ feed, connections, jobs }: MetricsSources) {
    const registers = [this.#registry];
    const counter = <T extends string>(name: string, help: string, labelNames: T[] = []) =>
      new Counter({ name: `deblur_${name}`, help, labelNames, registers });
    const gauge = <T extends string>(name: string, help: string, labelNames: T[], collect: (gauge: Gauge<T>) => void) =>
      new Gauge({
        name: `deblur_${name}`,
        help,
        labelNames,
        registers,
        collect() {
          collect(this);
        },
      });
    collectDefaultMetrics({ register: this.#registry });
    this.refused = counter('connections_refused_total', 'Connections that were refused.', ['reason']);
    this.badMessages = counter('bad_messages_total', 'Messages from clients that were not right.', ['reason']);
    this.closed = counter('connections_closed_total', 'Connections that ended.', ['code']);
    this.sentBytes = counter('sent_bytes_total', 'Bytes of the stream that were sent to viewers.');
    this.sentFragments = counter('sent_fragments_total', 'Fragments that were sent to viewers.');
    this.skippedFragments = counter('skipped_fragments_total', 'Fragments that slow viewers lost.');
    gauge('connections', 'Open connections.', [], (g) => {
      g.set(connections().all);
    });
    gauge('viewers', 'Connections that get the stream.', [], (g) => {
      g.set(connections().viewers);
    });
    gauge('jobs', 'Jobs by where they stand.', ['state'], (g) => {
      for (const state of jobStates) g.set({ state }, jobs().filter((job) => job.state === state).length);
    });
    if (feed) this.#addFeed(feed, gauge);
  }

  #addFeed(
    feed: NonNullable<MetricsSources['feed']>,
    gauge: <T extends string>(name: string, help: string, labels: T[], collect: (gauge: Gauge<T>) => void) => void,
  ): void {
    gauge('source_state', 'Where the source stands: 1 for the present state.', ['state'], (g) => {
      const { source } = feed.currentState();
      for (const state of sourceStates) g.set({ state }, state === source ? 1 : 0);
    });
    gauge('frames', 'Frames of the source, by what became of them.', ['kind'], (g) => {
      const { framesIn, framesOut, dropped } = feed.currentStatistics();
      g.set({ kind: 'in' }, framesIn);
      g.set({ kind: 'out' }, framesOut);
      g.set({ kind: 'dropped' }, dropped);
    });
    gauge('frame_rate', 'Frames going out per second.', [], (g) => {
      g.set(feed.currentStatistics().fps);
    });
    gauge('latency_seconds', 'From capture to send, over the last seconds.', ['quantile'], (g) => {
      const { p50, p95, p99 } = feed.currentStatistics().latency;
      g.set({ quantile: '0.5' }, p50 / 1000);
      g.set({ quantile: '0.95' }, p95 / 1000);
      g.set({ quantile: '0.99' }, p99 / 1000);
    });
    gauge('recording', 'Whether a recording is made.', [], (g) => {
      g.set(feed.currentState().recording ? 1 : 0);
    });
  }

  /** Media type of {@link text}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All figures in Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Forgets all figures. */
  close(): void {
    this.#registry.clear();
  }
}
