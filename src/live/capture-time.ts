import type { Frame } from '../io/frame.js';

const times = new WeakMap<Frame, number>();

/** Notes when a frame's data arrived in this program, in milliseconds since the epoch. */
export function setCaptured(frame: Frame, captured: number): void {
  times.set(frame, captured);
}

/** When a frame's data arrived, in milliseconds since the epoch; now for a frame of which that was not noted. */
export function capturedAt(frame: Frame): number {
  return times.get(frame) ?? Date.now();
}
