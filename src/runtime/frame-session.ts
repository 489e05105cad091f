import type { ColorTags, Frame } from '../io/frame.js';

/** The pictures a session is built for; every frame it is given has exactly this size and format. */
export interface PictureGeometry {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** A planar pixel format's name (see `planarFormat`). */
  readonly format: string;
  readonly color: ColorTags;
}

/**
 * Small maps that tell a sound result from a broken one, computed beside the result. Each is a grid of
 * `cell × cell` pixel means over the RGB picture in [0, 1],
 * channel-major, or over its luma where the network works on 4:2:0 planes.
 */
export interface OutputHealth {
  /** Edge of a cell in pixels. */
  readonly cell: number;
  /** Mean of the source per channel and cell. */
  readonly sourceMean: Float32Array;
  /** Mean of the network's result before clamping: NaN and infinity in any pixel show in some cell. */
  readonly resultMean: Float32Array;
  /** Fraction of source pixels per cell that equal their right neighbour. */
  readonly sourceFlat: Float32Array;
  /** The same of the result. */
  readonly resultFlat: Float32Array;
}

/** A frame's new samples. */
export interface FrameResult {
  /** One array per plane, rows without padding, of the session's pixel format. */
  readonly planes: readonly Uint8Array[];
  readonly health: OutputHealth;
}

/** Runs a network on frames: planes in, planes out, of the same format. */
export interface FrameSession {
  /** The execution provider in use, `cpu`, `cuda`, … */
  readonly provider: string;
  /** Neighbours wanted on each side of a frame. */
  readonly window: { readonly past: number; readonly future: number };
  /** How much a result should take of the one before it, 0 to 1, as the network's makers found: see {@link TemporalFilter}. */
  readonly temporalFilter: number;
  /** Frames per run. */
  readonly batch: number;
  /** Tiles per frame, of the network that needs the most; 1 when the frame is processed whole. */
  readonly tiles: number;
  /**
   * Runs up to `batch` windows. The frames' planes are read until the promise settles.
   * @throws DeblurError `RUNTIME_FAILED` when the runtime reports a failure.
   */
  run(windows: readonly (readonly Frame[])[]): Promise<readonly FrameResult[]>;
  /** Resolves when no run is under way. */
  idle(): Promise<void>;
  /** Waits for runs under way, then frees native memory. Safe to call twice. */
  close(): Promise<void>;
}

/** Options of a frame session, whatever runs it. */
export interface FrameSessionOptions {
  /** ONNX Runtime's execution provider, proven by the caller. Default `cpu`. */
  readonly provider?: string;
  /** Bytes that a run may take; larger frames are tiled. Default: no limit. */
  readonly memory?: number;
  /** How much of the result to use, 0 to 1. Default 1. */
  readonly strength?: number;
  /** Threads. Default: one per processor. */
  readonly threads?: number;
  /** Frames per run; tiled frames run one by one. Default 1. */
  readonly batch?: number;
  /** Cancels before the network is loaded and between runs. */
  readonly signal?: AbortSignal;
}
