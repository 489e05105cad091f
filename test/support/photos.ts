import sharp from 'sharp';
import { Random } from '../../src/train/random.js';

/** A picture full of detail, interleaved RGB: blocks of random colours in three sizes over one another. */
export function detailedPicture(seed: number, width: number, height: number): Uint8Array {
  const random = new Random(seed);
  const layers = [23, 9, 4].map((size) => ({
    size,
    columns: Math.ceil(width / size),
    colours: Uint8Array.from({ length: 3 * Math.ceil(width / size) * Math.ceil(height / size) }, () =>
      random.below(86),
    ),
  }));
  const picture = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      for (const { size, columns, colours } of layers) {
        const block = 3 * (Math.floor(y / size) * columns + Math.floor(x / size));
        for (let c = 0; c < 3; c += 1) picture[3 * (y * width + x) + c]! += colours[block + c]!;
      }
    }
  }
  return picture;
}

/** Writes a picture full of detail. */
export async function writePhoto(path: string, seed: number, width: number, height: number): Promise<void> {
  await sharp(detailedPicture(seed, width, height), { raw: { width, height, channels: 3 } }).toFile(path);
}
