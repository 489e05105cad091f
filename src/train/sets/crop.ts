import type { Random } from '../random.js';
import type { DecodedPicture } from './picture-cache.js';

/** Where a square crop lies, and which of the square's eight symmetries it is turned by. */
export interface Crop {
  readonly left: number;
  readonly top: number;
  /** Side in pixels. */
  readonly size: number;
  /** Bit 0 mirrors left and right, bit 1 top and bottom, bit 2 swaps the axes. */
  readonly turn: number;
}

/** A change of colours, the same for every picture of a sample. */
export interface ColourChange {
  /** For the red, green and blue of the result: which channel it is taken from, and the value of each 8-bit code. */
  readonly channels: readonly { readonly from: number; readonly values: Float32Array }[];
  /** 1 leaves colours as they are, 0 makes them gray. */
  readonly saturation: number;
}

/** Options of {@link drawColourChange}. */
export interface ColourJitter {
  /** Largest deviation from 1 of the gain of all channels, half of it for each; of saturation; of gamma. */
  readonly colour: number;
  /** Whether channels change places. */
  readonly swap: boolean;
}

/** The code's value. */
const plain = Float32Array.from({ length: 256 }, (_, code) => code / 255);
const unchanged: ColourChange = { channels: [0, 1, 2].map((from) => ({ from, values: plain })), saturation: 1 };
const orders = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const;

/** Draws a change of colours. */
export function drawColourChange(random: Random, { colour, swap }: ColourJitter): ColourChange {
  if (colour === 0 && !swap) return unchanged;
  const all = random.between(1 - colour, 1 + colour / 2);
  const gains = orders[0].map(() => all * random.between(1 - colour / 2, 1 + colour / 2));
  const gamma = random.logBetween(1 / (1 + colour), 1 + colour);
  const saturation = random.between(1 - colour, 1 + colour);
  const order = swap ? random.pick(orders) : orders[0];
  const channels = order.map((from, i) => ({
    from,
    values: plain.map((value) => Math.min(1, value ** gamma * (gains[i] ?? 1))),
  }));
  return { channels, saturation };
}

/**
 * Copies a crop into an array.
 *
 * @param target takes `size × size × 3` numbers in [0, 1] from `offset` on, RGB interleaved.
 */
export function copyCrop(
  { data, width }: DecodedPicture,
  { left, top, size, turn }: Crop,
  { channels, saturation }: ColourChange,
  target: Float32Array,
  offset: number,
): void {
  const [red, green, blue] = channels;
  if (!red || !green || !blue) throw new TypeError('a picture has three channels');
  const [r, g, b] = [red.values, green.values, blue.values];
  const [mirrored, upended, swapped] = [(turn & 1) !== 0, (turn & 2) !== 0, (turn & 4) !== 0];
  const last = size - 1;
  const [column, row] = [mirrored ? -3 : 3, upended ? -3 * width : 3 * width];
  const [right, down] = swapped ? [row, column] : [column, row];
  const first = 3 * ((top + (upended ? last : 0)) * width + left + (mirrored ? last : 0));
  let to = offset;
  for (let y = 0; y < size; y += 1) {
    let from = first + y * down;
    for (let x = 0; x < size; x += 1) {
      target[to] = r[data[from + red.from]!]!;
      target[to + 1] = g[data[from + green.from]!]!;
      target[to + 2] = b[data[from + blue.from]!]!;
      from += right;
      to += 3;
    }
  }
  if (saturation !== 1) saturate(target.subarray(offset, to), saturation);
}

/** How near crops are to others of the same place: PSNR of the green of every second pixel both ways, in decibels; infinity where they are equal. */
export function cropPsnr(
  pictures: readonly DecodedPicture[],
  truths: readonly DecodedPicture[],
  { left, top, size }: Crop,
): number {
  let [squares, count] = [0, 0];
  pictures.forEach(({ data, width }, i) => {
    const truth = truths[i]?.data;
    if (!truth) throw new TypeError('each picture needs its truth');
    for (let y = top; y < top + size; y += 2) {
      for (let x = left; x < left + size; x += 2) {
        const at = 3 * (y * width + x) + 1;
        squares += (data[at]! - truth[at]!) ** 2;
        count += 1;
      }
    }
  });
  return 10 * Math.log10((255 ** 2 * count) / squares);
}

/** Moves colours away from their gray (or towards it), within [0, 1]. */
function saturate(pixels: Float32Array, saturation: number): void {
  for (let i = 0; i < pixels.length; i += 3) {
    const gray = (1 - saturation) * (0.299 * pixels[i]! + 0.587 * pixels[i + 1]! + 0.114 * pixels[i + 2]!);
    for (let c = i; c < i + 3; c += 1) pixels[c] = Math.min(1, Math.max(0, gray + saturation * pixels[c]!));
  }
}
