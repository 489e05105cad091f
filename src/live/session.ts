import type { Observable } from 'rxjs';
import type { LiveFragment } from './fragment.js';
import type { CameraChunk, CameraFormat, LiveControl, LiveOptions, Snapshot } from './options.js';
import type { LiveState, LiveStatistics } from './state.js';

/** One live source, deblurred and encoded once, whatever the number of viewers. */
export declare class LiveSession implements AsyncDisposable {
  private constructor();
  /** Opens a session; the source connects in the background, and `state` tells. */
  static open(options: LiveOptions, signal?: AbortSignal): Promise<LiveSession>;
  readonly fragments: Observable<LiveFragment>;
  /** Begins with the present state. */
  readonly state: Observable<LiveState>;
  /** About once a second. */
  readonly statistics: Observable<LiveStatistics>;
  /** The present state and figures. */
  currentState(): LiveState;
  currentStatistics(): LiveStatistics;
  initFragment(): LiveFragment | undefined;
  /** What a late viewer starts with: the header and the fragments since the last keyframe. Empty before the first. */
  latestGroup(): readonly LiveFragment[];
  setViewers(count: number): void;
  control(change: LiveControl): Promise<void>;
  requestKeyframe(): void;
  snapshot(): Promise<Snapshot>;
  startRecording(path: string): Promise<void>;
  stopRecording(): Promise<void>;
  /** For the source `browser`: a camera begins to send. One sends at a time; a new one replaces it. */
  beginCamera(format: CameraFormat): void;
  /** False when the chunk was dropped because the pipeline is behind: the next useful one is a keyframe. */
  push(chunk: CameraChunk): boolean;
  endCamera(): void;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
