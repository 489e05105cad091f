/** Bits of a code, drawn as black and white squares: two rows in the middle of a picture. */
export const codeBits = 32;
const columns = codeBits / 2;

/** A square of a picture, in pixels. */
export interface Square {
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

/** The square of a bit. */
export function codeSquare(bit: number, width: number, height: number): Square {
  const size = Math.floor(width / columns / 2) * 2;
  const x = (bit % columns) * size;
  const y = Math.floor(height / 4) * 2 + (Math.floor(bit / columns) - 1) * size;
  return { x, y, size };
}

/** Every square of a code, from the lowest bit. */
export function codeSquares(width: number, height: number): Square[] {
  return Array.from({ length: codeBits }, (_, bit) => codeSquare(bit, width, height));
}

/** Draws a code of 32 bits into a luma plane: white for 1, black for 0. */
export function drawCode(luma: Uint8Array, stride: number, width: number, height: number, code: number): void {
  for (const [bit, { x, y, size }] of codeSquares(width, height).entries()) {
    const value = ((code >>> bit) & 1) === 1 ? 235 : 16;
    for (let row = y; row < y + size; row += 1) luma.fill(value, row * stride + x, row * stride + x + size);
  }
}
