import path from 'node:path';
import sharp from 'sharp';
import type { DatasetManifest } from './manifest.js';
import { frameFile, sequenceFolders } from './sequence.js';

const columns = 6;
const thumbnail = 240;
const caption = 18;
/** Most sequences on a sheet. */
const most = 160;

/** Pictures a data set as one sheet: the middle frame of each sequence, blurry over sharp, with its blur's length. */
export async function drawContactSheet(folder: string, { sequences, width, height }: DatasetManifest): Promise<Buffer> {
  // Evenly from all of them.
  const step = Math.max(1, sequences.length / most);
  const shown = sequences.filter((_, i) => Math.floor((i - 1) / step) < Math.floor(i / step));
  const tall = Math.round((thumbnail * height) / width);
  const cell = 2 * tall + caption;
  const parts = await Promise.all(
    shown.map(async ({ name, split, lengths }, i) => {
      const middle = lengths.length >> 1;
      const { blur, sharp: truth } = sequenceFolders(folder, { name, split });
      const [left, top] = [(i % columns) * thumbnail, Math.floor(i / columns) * cell];
      const shrink = (file: string) =>
        sharp(path.join(file, frameFile(middle)))
          .resize(thumbnail, tall)
          .toBuffer();
      const label = `<svg width="${thumbnail}" height="${caption}"><text x="4" y="13" font-size="12" font-family="sans-serif">${name}, ${(lengths[middle] ?? 0).toFixed(1)} px</text></svg>`;
      return [
        { input: Buffer.from(label), left, top },
        { input: await shrink(blur), left, top: top + caption },
        { input: await shrink(truth), left, top: top + caption + tall },
      ];
    }),
  );
  const rows = Math.ceil(shown.length / columns);
  return sharp({
    create: { width: columns * thumbnail, height: Math.max(1, rows) * cell, channels: 3, background: 'white' },
  })
    .composite(parts.flat())
    .png()
    .toBuffer();
}
