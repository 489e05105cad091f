import type { FrameProperties, Plane } from '../../io/frame.js';
import type { DeblurErrorCode } from '../../errors.js';
import type { FrameResult, FrameSession, PictureGeometry } from '../frame-session.js';
import type { FrameSessionOptions } from './frame-session.js';

/** A frame between processes. */
export interface WireFrame {
  readonly properties: FrameProperties;
  readonly planes: readonly Plane[];
}

/** What the host is to run. */
export interface HostSpecification {
  /** A model's name, or the path of an `.onnx` file. */
  readonly model: string;
  readonly geometry: PictureGeometry;
  readonly options: Omit<FrameSessionOptions, 'signal'>;
}

/** What is known of a session once it is open. */
export type HostedProperties = Pick<FrameSession, 'provider' | 'window' | 'batch' | 'tiles'>;

/** From the program to its host. Every request is answered once, under its `id`. */
export type HostRequest = { readonly id: number } & (
  | { readonly kind: 'open'; readonly specification: HostSpecification }
  | { readonly kind: 'run'; readonly windows: readonly (readonly WireFrame[])[] }
  | { readonly kind: 'close' }
);

/** From the host to the program. */
export type HostAnswer = { readonly id: number } & (
  | { readonly kind: 'opened'; readonly properties: HostedProperties }
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
