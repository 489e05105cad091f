/** The reversed polynomial of CRC-32C (Castagnoli). */
const polynomial = 0x82f63b78;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ ((value & 1) * polynomial);
  return value;
});

/** CRC-32C of bytes. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}

/** As TFRecord stores a checksum: turned by 15 bits and shifted by a constant, so that one over bytes that hold it stays a check. */
function masked(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** Bytes of the length and its checksum before a record, and of the record's own checksum after it. */
const [headBytes, tailBytes] = [12, 4];

/** A TFRecord: length (64 bits), its masked CRC-32C, the bytes, theirs. All little-endian. */
export function encodeRecord(bytes: Uint8Array): Uint8Array {
  const record = Buffer.alloc(headBytes + bytes.byteLength + tailBytes);
  record.writeBigUInt64LE(BigInt(bytes.byteLength));
  record.writeUInt32LE(masked(record.subarray(0, 8)), 8);
  record.set(bytes, headBytes);
  record.writeUInt32LE(masked(bytes), headBytes + bytes.byteLength);
  return record;
}

/**
 * The records of a file's bytes.
 * @throws RangeError where one breaks off or its checksum is not right.
 */
export function decodeRecords(file: Uint8Array): Uint8Array[] {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const records: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength;) {
    const length = Number(bytes.readBigUInt64LE(at));
    if (bytes.readUInt32LE(at + 8) !== masked(bytes.subarray(at, at + 8))) throw new RangeError('a length is damaged');
    const start = at + headBytes;
    const record = bytes.subarray(start, start + length);
    if (bytes.readUInt32LE(start + length) !== masked(record)) throw new RangeError('a record is damaged');
    records.push(record);
    at = start + length + tailBytes;
  }
  return records;
}
