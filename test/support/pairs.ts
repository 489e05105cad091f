import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { Random } from '../../src/train/random.js';

/** Options of {@link writePairs}. */
export interface PairsOptions {
  /** Default `train`. */
  readonly split?: string;
  readonly scenes: number;
  readonly frames: number;
  /** Side of the square pictures in pixels. */
  readonly size: number;
}

/** A picture with edges and texture, interleaved RGB, shifted by whole pixels. */
function scene(random: Random, size: number, shift: number): Uint8Array {
  const waves = Array.from({ length: 5 }, () => ({
    kx: random.between(-0.9, 0.9),
    ky: random.between(-0.9, 0.9),
    phase: random.between(0, 6),
    colour: [random.between(10, 50), random.between(10, 50), random.between(10, 50)],
  }));
  const picture = new Uint8Array(size * size * 3);
  for (let i = 0; i < size * size; i += 1) {
    const [x, y] = [(i % size) + shift, Math.floor(i / size)];
    const edge = Math.floor(x / 7) % 2 === 0 ? 30 : -30;
    for (let c = 0; c < 3; c += 1) {
      const sum = waves.reduce((total, w) => total + (w.colour[c] ?? 0) * Math.sin(w.kx * x + w.ky * y + w.phase), 0);
      picture[i * 3 + c] = Math.min(255, Math.max(0, 128 + edge + sum));
    }
  }
  return picture;
}

/** Writes scenes in the layout of REDS: the blurry frame is the mean of three sharp ones, a pixel apart. */
export async function writePairs(folder: string, options: PairsOptions): Promise<void> {
  const { split = 'train', scenes, frames, size } = options;
  for (let s = 0; s < scenes; s += 1) {
    const folders = ['blur', 'sharp'].map((kind) => path.join(folder, `${split}_${kind}`, String(s).padStart(3, '0')));
    for (const each of folders) await mkdir(each, { recursive: true });
    for (let n = 0; n < frames; n += 1) {
      const [before, middle, after] = [-1, 0, 1].map((step) => scene(new Random(s + 1), size, 2 * n + step));
      if (!before || !middle || !after) throw new RangeError('three moments');
      const blur = middle.map((value, i) => Math.round(((before[i] ?? 0) + value + (after[i] ?? 0)) / 3));
      for (const [k, picture] of [blur, middle].entries()) {
        await sharp(picture, { raw: { width: size, height: size, channels: 3 } })
          .png()
          .toFile(path.join(folders[k] ?? '', `${String(n).padStart(8, '0')}.png`));
      }
    }
  }
}
