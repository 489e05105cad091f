import { DeblurError } from '../errors.js';

/** What a binary message carries: its first byte. */
export const binaryKinds = {
  /** Server to client: the initialisation segment (`ftyp` and `moov`) of the stream that follows. */
  init: 1,
  /** Server to client: a media segment (`moof` and `mdat`). */
  media: 2,
  /** Client to server: encoded bytes of the client's own camera. */
  camera: 3,
} as const;

/** Name of a binary message's kind. */
export type BinaryKind = keyof typeof binaryKinds;

/** A frame that a binary message carries. */
export interface FrameStamp {
  /** Number of the frame in the source, from 0, modulo 2³². */
  readonly number: number;
  /** When it was captured, in milliseconds since the epoch of the sender's clock. */
  readonly captured: number;
}

/** A binary message, without its framing. */
export interface BinaryMessage {
  readonly kind: BinaryKind;
  /** Media: a group of pictures begins here. Camera: the chunk can be decoded without those before it. */
  readonly keyframe: boolean;
  /** Media: what came before this was dropped for this viewer, who begins anew here. */
  readonly discontinuity: boolean;
  /** Counts the messages of a stream, modulo 2³². */
  readonly sequence: number;
  /** Presentation time of the first frame in seconds. */
  readonly pts: number;
  /** The frames it holds, in order of presentation. */
  readonly frames: readonly FrameStamp[];
  readonly data: Uint8Array;
}

/** Bytes before the list of frames. */
const headerBytes = 16;
/** Bytes of a frame's entry. */
const stampBytes = 12;
const keyframeFlag = 1;
const discontinuityFlag = 2;
const maxFrames = 0xffff;

const kindNames = new Map<number, BinaryKind>(
  Object.entries(binaryKinds).map(([name, value]) => [value, name as BinaryKind]),
);

/**
 * A binary message as it travels; all numbers are big-endian. A byte of kind, a byte of flags (bit 0 keyframe,
 * bit 1 discontinuity), the number of frames (u16), sequence (u32), pts (f64), per frame its number (u32) and
 * its time of capture (f64), then the data.
 */
export function encodeBinary(message: BinaryMessage): Uint8Array<ArrayBuffer> {
  const { frames, data } = message;
  if (frames.length > maxFrames) {
    throw new DeblurError('USAGE', `A binary message holds at most ${maxFrames} frames, not ${frames.length}.`);
  }
  const start = headerBytes + frames.length * stampBytes;
  const bytes = new Uint8Array(start + data.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, binaryKinds[message.kind]);
  view.setUint8(1, (message.keyframe ? keyframeFlag : 0) | (message.discontinuity ? discontinuityFlag : 0));
  view.setUint16(2, frames.length);
  view.setUint32(4, message.sequence);
  view.setFloat64(8, message.pts);
  frames.forEach(({ number, captured }, i) => {
    view.setUint32(headerBytes + i * stampBytes, number);
    view.setFloat64(headerBytes + i * stampBytes + 4, captured);
  });
  bytes.set(data, start);
  return bytes;
}

/**
 * Reads a binary message; `data` shares the memory of `bytes`.
 * @throws DeblurError `INPUT_DAMAGED` for what is none.
 */
export function decodeBinary(bytes: Uint8Array): BinaryMessage {
  if (bytes.byteLength < headerBytes)
    throw damaged(`it has ${bytes.byteLength} bytes, and a header has ${headerBytes}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = kindNames.get(view.getUint8(0));
  if (!kind) throw damaged(`there is no kind ${view.getUint8(0)}`);
  const flags = view.getUint8(1);
  if (flags & ~(keyframeFlag | discontinuityFlag)) throw damaged(`its flags ${flags} are not known`);
  const count = view.getUint16(2);
  const start = headerBytes + count * stampBytes;
  if (start > bytes.byteLength) throw damaged(`its ${count} frames do not fit into its ${bytes.byteLength} bytes`);
  const pts = view.getFloat64(8);
  const frames = Array.from({ length: count }, (_, i) => ({
    number: view.getUint32(headerBytes + i * stampBytes),
    captured: view.getFloat64(headerBytes + i * stampBytes + 4),
  }));
  if (!Number.isFinite(pts) || frames.some(({ captured }) => !Number.isFinite(captured))) {
    throw damaged('a time in it is not a number');
  }
  return {
    kind,
    keyframe: (flags & keyframeFlag) !== 0,
    discontinuity: (flags & discontinuityFlag) !== 0,
    sequence: view.getUint32(4),
    pts,
    frames,
    data: bytes.subarray(start),
  };
}

function damaged(why: string): DeblurError {
  return new DeblurError('INPUT_DAMAGED', `This is no binary message of the protocol: ${why}.`);
}
