/** A picture of one channel, rows without padding. */
export interface Gray {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** The luma of interleaved 8-bit RGB by the weights of ITU-R BT.601, in codes from 0 to 255. */
export function grayOf({
  data,
  width,
  height,
}: {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}): Gray {
  const gray = new Float32Array(width * height);
  for (let i = 0, at = 0; i < gray.length; i += 1, at += 3) {
    gray[i] = 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
  }
  return { data: gray, width, height };
}

/** Half the size, by means of 2×2 cells; an odd last row or column is left out. */
export function halved({ data, width, height }: Gray): Gray {
  const [w, h] = [width >> 1, height >> 1];
  const half = new Float32Array(w * h);
  for (let y = 0; y < h; y += 1) {
    for (let x = 0; x < w; x += 1) {
      const at = 2 * y * width + 2 * x;
      half[y * w + x] = (data[at]! + data[at + 1]! + data[at + width]! + data[at + width + 1]!) / 4;
    }
  }
  return { data: half, width: w, height: h };
}

/** The sample at a place between pixels; the border goes on outside. */
export function sampleAt({ data, width, height }: Gray, x: number, y: number): number {
  const cx = x < 0 ? 0 : x > width - 1 ? width - 1 : x;
  const cy = y < 0 ? 0 : y > height - 1 ? height - 1 : y;
  const x0 = Math.floor(cx);
  const y0 = Math.floor(cy);
  const right = x0 + 1 < width ? 1 : 0;
  const below = y0 + 1 < height ? width : 0;
  const [fx, fy] = [cx - x0, cy - y0];
  const at = y0 * width + x0;
  const top = data[at]! + fx * (data[at + right]! - data[at]!);
  const bottom = data[at + below]! + fx * (data[at + below + right]! - data[at + below]!);
  return top + fy * (bottom - top);
}
