import type { Crop } from './crop.js';

/** The blur's path in each tile of a frame, see `Network.path`. */
export interface PathGrid {
  readonly rows: number;
  readonly columns: number;
  /** Right and down in pixels, tile by tile, row by row: `rows × columns × 2`. */
  readonly vectors: Float32Array;
}

/** The paths of whole frames of a set. */
export interface BlurPaths {
  /** Side of a tile in pixels: crops lie on multiples of it. */
  readonly tile: number;
  /** The paths of a blurry picture. */
  get(file: string): PathGrid | undefined;
}

/**
 * Copies the paths of a crop's tiles into an array, turned as the crop is. The crop lies on the tiles' grid.
 *
 * @param target takes `2 · (size / tile)²` numbers from `offset` on, as in {@link PathGrid}.
 */
export function copyPaths(
  { columns, vectors }: PathGrid,
  { left, top, size, turn }: Crop,
  tile: number,
  target: Float32Array,
  offset: number,
): void {
  const side = size / tile;
  const [mirrored, upended, swapped] = [(turn & 1) !== 0, (turn & 2) !== 0, (turn & 4) !== 0];
  for (let i = 0; i < side * side; i += 1) {
    const [row, column] = [Math.floor(i / side), i % side];
    const [down, across] = swapped ? [column, row] : [row, column];
    const fromRow = top / tile + (upended ? side - 1 - down : down);
    const fromColumn = left / tile + (mirrored ? side - 1 - across : across);
    const from = 2 * (fromRow * columns + fromColumn);
    const x = (mirrored ? -1 : 1) * (vectors[from] ?? 0);
    const y = (upended ? -1 : 1) * (vectors[from + 1] ?? 0);
    const [right, below] = swapped ? [y, x] : [x, y];
    const sign = right < 0 ? -1 : 1;
    target[offset + 2 * i] = sign * right;
    target[offset + 2 * i + 1] = sign * below;
  }
}
