import path from 'node:path';
import sharp from 'sharp';
import { escapeXml } from '../../metrics/escape-xml.js';
import type { Choice, ChosenScene, FrameKind } from './choose-frames.js';

const columns = 6;
const [width, height, caption, heading] = [240, 150, 18, 28] as const;
/** Most scenes of a kind on a sheet. */
const most = 60;

/** A piece of a sheet. */
interface Piece {
  readonly input: Buffer;
  readonly left: number;
  readonly top: number;
}

/**
 * Pictures a split as one sheet: of each scene the frame in the middle of its scores, the blurry scenes first.
 *
 * @param folder the split's folder.
 * @param frameFile name of a frame's file.
 * @param folders of each kind, inside it.
 */
export async function drawSplitSheet(
  folder: string,
  { scenes, reference }: Choice,
  frameFile: (index: number) => string,
  folders: Readonly<Record<FrameKind, string>>,
): Promise<Buffer> {
  const pieces: Piece[] = [];
  let top = 0;
  for (const kind of ['blurry', 'sharp'] as const) {
    const own = scenes.filter((scene) => scene.kind === kind && scene.frames.length > 0);
    const frames = own.reduce((sum, scene) => sum + scene.frames.length, 0);
    const title = `${folders[kind]}: ${frames} ${kind} frames of ${own.length} scenes`;
    pieces.push({ input: text(title, columns * width, heading, 16), left: 0, top });
    top += heading;
    // Evenly from all of them.
    const step = Math.max(1, own.length / most);
    const shown = own.filter((_, i) => Math.floor((i - 1) / step) < Math.floor(i / step));
    for (const [i, scene] of shown.entries()) {
      const at = { left: (i % columns) * width, top: top + Math.floor(i / columns) * (height + caption) };
      const { file, label } = example(folder, scene, reference, frameFile, folders);
      pieces.push({ input: text(label, width, caption, 12), ...at });
      const input = await sharp(file).resize(width, height, { fit: 'cover' }).toBuffer();
      pieces.push({ input, left: at.left, top: at.top + caption });
    }
    top += Math.ceil(shown.length / columns) * (height + caption);
  }
  return sharp({ create: { width: columns * width, height: top, channels: 3, background: 'white' } })
    .composite(pieces)
    .png()
    .toBuffer();
}

/** A scene's typical frame. */
function example(
  folder: string,
  { scene, kind, frames }: ChosenScene,
  reference: number,
  frameFile: (index: number) => string,
  folders: Readonly<Record<FrameKind, string>>,
): { file: string; label: string } {
  const sorted = [...frames].sort((a, b) => a.edges.middle - b.edges.middle);
  const frame = sorted[sorted.length >> 1];
  if (!frame) throw new RangeError('a scene has a frame');
  const share = Math.round((100 * frame.edges.middle) / reference);
  return {
    file: path.join(folder, folders[kind], scene.name, frameFile(frame.index)),
    label: `${scene.name.slice(0, 18)}, ${frames.length} frames, ${share} %`,
  };
}

function text(words: string, across: number, down: number, size: number): Buffer {
  return Buffer.from(
    `<svg width="${across}" height="${down}"><text x="4" y="${down - 5}" font-size="${size}" font-family="sans-serif">${escapeXml(words)}</text></svg>`,
  );
}
