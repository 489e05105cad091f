import type { FrameProperties, Plane } from '../../io/frame.js';
import type { DeblurErrorCode } from '../../errors.js';
import type { SessionProperties } from '../engine-session.js';
import type { FrameResult } from '../frame-session.js';
import type { SessionSpecification } from '../open-session.js';

/** A frame between processes. */
export interface WireFrame {
  readonly properties: FrameProperties;
  readonly planes: readonly Plane[];
}

/** A frame of a request. Windows overlap, so the host keeps a frame that it was sent, and is then told its key alone. */
export interface FrameReference {
  readonly key: number;
  /** Undefined for a frame that the host has. */
  readonly frame?: WireFrame;
}

/** From the program to its host. Every request is answered once, under its `id`. */
export type HostRequest = { readonly id: number } & (
  | { readonly kind: 'open'; readonly specification: SessionSpecification }
  | {
      readonly kind: 'run';
      readonly windows: readonly (readonly FrameReference[])[];
      /** Frames that later requests refer to no more. */
      readonly forget: readonly number[];
    }
  | { readonly kind: 'close' }
);

/** From the host to the program. */
export type HostAnswer = { readonly id: number } & (
  | { readonly kind: 'opened'; readonly properties: SessionProperties }
  | { readonly kind: 'results'; readonly results: readonly FrameResult[] }
  | { readonly kind: 'closed' }
  | { readonly kind: 'failed'; readonly failure: HostFailure }
);

/** An error between processes; `code` is missing for one that was not expected. */
export interface HostFailure {
  readonly code?: DeblurErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly stack?: string;
}
