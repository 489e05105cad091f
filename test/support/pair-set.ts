import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { Random } from '../../src/train/random.js';

/** Options of {@link writePairs}. */
export interface PairsOptions {
  readonly scenes: number;
  readonly frames: number;
  readonly width: number;
  readonly height: number;
}

/** A set in the layout of REDS, split `test`: a pattern that moves by two pixels a frame, and its mean over five columns. */
export async function writePairs(root: string, { scenes, frames, width, height }: PairsOptions): Promise<void> {
  for (let scene = 0; scene < scenes; scene += 1) {
    const name = String(scene).padStart(3, '0');
    const draw = new Random(scene + 1);
    const waves = Array.from({ length: 6 }, () => [
      draw.between(-0.5, 0.5),
      draw.between(-0.5, 0.5),
      draw.between(0, 6),
    ]);
    const at = (x: number, y: number, c: number) =>
      waves.reduce((sum, [u = 0, v = 0, phase = 0]) => sum + 18 * Math.sin(u * x + v * y + phase + c), 128);
    for (let frame = 0; frame < frames; frame += 1) {
      const file = `${String(frame).padStart(8, '0')}.png`;
      const paint = async (kind: 'sharp' | 'blur', taps: readonly number[]) => {
        const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
          const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
          return Math.round(taps.reduce((sum, tap) => sum + at(x + tap + 2 * frame, y, i % 3), 0) / taps.length);
        });
        const folder = path.join(root, `test_${kind}`, name);
        await mkdir(folder, { recursive: true });
        await sharp(data, { raw: { width, height, channels: 3 } })
          .png()
          .toFile(path.join(folder, file));
      };
      await paint('sharp', [0]);
      await paint('blur', [-2, -1, 0, 1, 2]);
    }
  }
}
