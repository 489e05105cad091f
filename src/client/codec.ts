/** Where a four-letter box name begins, or -1. */
function indexOfBox(bytes: Uint8Array, name: string): number {
  const [a, b, c, d] = [...name].map((letter) => letter.charCodeAt(0));
  for (let at = 4; at + 4 <= bytes.length; at += 1) {
    if (bytes[at] === a && bytes[at + 1] === b && bytes[at + 2] === c && bytes[at + 3] === d) return at;
  }
  return -1;
}

/** The `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15) inside an fMP4 initialisation segment, if it holds H.264. */
export function avcConfiguration(init: Uint8Array): Uint8Array | undefined {
  const at = indexOfBox(init, 'avcC');
  if (at < 0) return undefined;
  const size = new DataView(init.buffer, init.byteOffset, init.byteLength).getUint32(at - 4);
  const record = init.subarray(at + 4, at - 4 + size);
  return record.length >= 4 ? record : undefined;
}

/**
 * The RFC 6381 name of the codec in an fMP4 initialisation segment, for instance `avc1.64001f`. Read from the stream itself,
 * so a viewer never depends on what a state message says.
 *
 * @returns `undefined` when the segment holds no H.264 video.
 */
export function codecOf(init: Uint8Array): string | undefined {
  const record = avcConfiguration(init);
  if (!record) return undefined;
  const profile = [...record.subarray(1, 4)].map((byte) => byte.toString(16).padStart(2, '0'));
  return `avc1.${profile.join('')}`;
}
