import { DeblurError } from '../errors.js';

/** A box of ISO/IEC 14496-12: its name and what is inside. */
interface Box {
  readonly name: string;
  readonly content: Uint8Array;
}

function* boxes(bytes: Uint8Array): Generator<Box> {
  const view = viewOf(bytes);
  for (let at = 0; at + 8 <= bytes.length;) {
    const size = view.getUint32(at);
    if (size < 8 || at + size > bytes.length) throw damaged();
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    yield { name, content: bytes.subarray(at + 8, at + size) };
    at += size;
  }
}

function boxAt(bytes: Uint8Array, [name, ...inner]: readonly string[]): Uint8Array | undefined {
  for (const box of boxes(bytes)) {
    if (box.name === name) return inner.length === 0 ? box.content : boxAt(box.content, inner);
  }
  return undefined;
}

/**
 * The encoded pictures in a media fragment (`moof` and `mdat`) of one track, in order. They share the fragment's memory.
 * @throws DeblurError `INPUT_DAMAGED` for what is no such fragment.
 */
export function samplesOf(fragment: Uint8Array): Uint8Array[] {
  const media = boxAt(fragment, ['mdat']);
  const run = boxAt(fragment, ['moof', 'traf', 'trun']);
  const header = boxAt(fragment, ['moof', 'traf', 'tfhd']);
  if (!media || !run || !header) throw damaged();
  const sizes = sampleSizes(run, defaultSize(header));
  const samples: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    if (at + size > media.length) throw damaged();
    samples.push(media.subarray(at, at + size));
    at += size;
  }
  return samples;
}

/** Flags of `trun` and of `tfhd`, and the bytes that each says are there. */
const runFlags = { dataOffset: 0x1, firstFlags: 0x4, duration: 0x100, size: 0x200, flags: 0x400, offset: 0x800 };
const headerFlags = { base: 0x1, description: 0x2, duration: 0x8, size: 0x10 };

function defaultSize(header: Uint8Array): number | undefined {
  const view = viewOf(header);
  const flags = word(view, 0) & 0xffffff;
  if (!(flags & headerFlags.size)) return undefined;
  let at = 8;
  if (flags & headerFlags.base) at += 8;
  if (flags & headerFlags.description) at += 4;
  if (flags & headerFlags.duration) at += 4;
  return word(view, at);
}

function sampleSizes(run: Uint8Array, usual: number | undefined): number[] {
  const view = viewOf(run);
  const flags = word(view, 0) & 0xffffff;
  const count = word(view, 4);
  let at = 8;
  if (flags & runFlags.dataOffset) at += 4;
  if (flags & runFlags.firstFlags) at += 4;
  const before = flags & runFlags.duration ? 4 : 0;
  const own = flags & runFlags.size ? 4 : 0;
  const stride = before + own + (flags & runFlags.flags ? 4 : 0) + (flags & runFlags.offset ? 4 : 0);
  if (at + count * stride > run.length || count > run.length + 1) throw damaged();
  return Array.from({ length: count }, (_, i) => {
    const size = own ? word(view, at + i * stride + before) : usual;
    if (size === undefined) throw damaged();
    return size;
  });
}

function word(view: DataView, at: number): number {
  if (at + 4 > view.byteLength) throw damaged();
  return view.getUint32(at);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(): DeblurError {
  return new DeblurError('INPUT_DAMAGED', 'This is no fragment of an MP4.');
}
