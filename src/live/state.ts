/** A picture's size in pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** What a live source is doing: `resting` while nobody watches and nothing is recorded. */
export type SourceState = 'connecting' | 'live' | 'reconnecting' | 'ended' | 'failed' | 'resting';

/** All that a viewer is told of a live session. */
export interface LiveState extends PictureSize {
  /** `width` and `height` are of one picture: the encoded one is twice as high, the original on top. 0 until known. */
  readonly source: SourceState;
  /** A sentence on why the source is reconnecting or has failed, without addresses, paths or credentials. */
  readonly message?: string;
  /** Which attempt to reconnect is under way, from 1. */
  readonly attempt?: number;
  /** RFC 6381 name of the encoded video, for instance `avc1.64001f`, once known. */
  readonly codec?: string;
  /** The model in use, which is not the one asked for where the controller has chosen a lighter one. */
  readonly model: string;
  readonly translator?: string;
  /** How much of the result is shown: 0 is the original, 1 the network's result. */
  readonly strength: number;
  readonly paused: boolean;
  readonly recording: boolean;
  /** The size that the network works at; not above the picture's. */
  readonly processing: PictureSize;
  /** The controller is off: model and processing size stay as they were asked for. */
  readonly fixed: boolean;
}

/** Milliseconds that a share of the frames stays below. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Figures of a live session. */
export interface LiveStatistics {
  /** Frames that the source has given. */
  readonly framesIn: number;
  /** Frames that were encoded. */
  readonly framesOut: number;
  /** Frames that gave way to newer ones. */
  readonly dropped: number;
  /** Frames encoded per second, over the last seconds. */
  readonly fps: number;
  /** From a frame's arrival in this program to its fragment, over the last seconds. */
  readonly latency: Percentiles;
  readonly viewers: number;
}
