import type { LiveFragment } from '../live/index.js';
import { encodeBinary } from '../protocol/index.js';

/** A fragment as it goes over the wire: framed once, however many viewers there are. */
export class Packet {
  readonly kind: LiveFragment['kind'];
  readonly keyframe: boolean;
  /** Framed for a viewer who has what came before. */
  readonly bytes: Uint8Array;
  readonly #fragment: LiveFragment;
  #anew: Uint8Array | undefined;

  constructor(fragment: LiveFragment) {
    this.#fragment = fragment;
    this.kind = fragment.kind;
    this.keyframe = fragment.keyframe;
    this.bytes = encodeBinary({ ...fragment, discontinuity: false });
  }

  /** Framed for a viewer who lost what came before. */
  get bytesAnew(): Uint8Array {
    return (this.#anew ??= encodeBinary({ ...this.#fragment, discontinuity: true }));
  }
}
