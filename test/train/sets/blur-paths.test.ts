import { describe, expect, it } from 'vitest';
import { blurAlong, pathOfGrid } from '../../../src/models/along-path.js';
import { openBackend } from '../../../src/runtime/tensorflow/backend.js';
import { channelsLast, plainOrder, tensorIn, valueOf } from '../../../src/runtime/tensorflow/tensor.js';
import { TensorflowOps } from '../../../src/runtime/tensorflow/tf-ops.js';
import { Random } from '../../../src/train/random.js';
import { copyPaths, type PathGrid } from '../../../src/train/sets/blur-paths.js';
import { copyCrop, drawColourChange, type Crop } from '../../../src/train/sets/crop.js';

const { tf } = await openBackend('tensorflow');
const ops = new TensorflowOps(tf);
const [tile, size] = [64, 128];
const plain = drawColourChange(new Random(1), { colour: 0, swap: false });

/** The red of a picture blurred along its paths, `size × size`. */
function blurred(rgb: Float32Array, vectors: Float32Array): Float32Array {
  return tf.tidy(() => {
    const red = tf.slice(tf.tensor4d(rgb, [1, size, size, 3]), [0, 0, 0, 0], [1, size, size, 1]);
    const path = pathOfGrid(ops, valueOf(tf.tensor4d(vectors, [1, 2, 2, 2]), channelsLast));
    const result = ops.pixelShuffle(blurAlong(ops, valueOf(red, channelsLast), path), 4);
    return Float32Array.from(tensorIn(tf, result, plainOrder(4)).dataSync<'float32'>());
  });
}

describe("a crop's paths", () => {
  // Four tiles of a larger frame.
  const random = new Random(4);
  const grid: PathGrid = {
    rows: 3,
    columns: 4,
    vectors: Float32Array.from({ length: 24 }, () => random.between(-5, 5)),
  };
  const [width, height] = [256, 192];
  const data = Uint8Array.from({ length: width * height * 3 }, () => random.below(256));
  const picture = { data, width, height };
  const cut = (turn: number): Crop => ({ left: 64, top: 64, size, turn });

  function crop(turn: number) {
    const rgb = new Float32Array(size * size * 3);
    const vectors = new Float32Array(8 + 2);
    copyCrop(picture, cut(turn), plain, rgb, 0);
    copyPaths(grid, cut(turn), tile, vectors, 2);
    return { rgb, vectors: vectors.subarray(2) };
  }

  it('are those of its tiles', () => {
    const { vectors } = crop(0);
    [5, 6, 9, 10].forEach((place, i) => {
      const [x = NaN, y = NaN] = grid.vectors.subarray(2 * place);
      const sign = x < 0 ? -1 : 1;
      expect([...vectors.subarray(2 * i, 2 * i + 2)]).toEqual([sign * x, sign * y]);
    });
  });

  it.each([1, 2, 3, 4, 5, 6, 7])('turn as it does (%i)', (turn) => {
    const upright = crop(0);
    const whole = blurred(upright.rgb, upright.vectors);
    const codes = Uint8Array.from({ length: size * size * 3 }, (_, i) => Math.floor(i / 3) % 256);
    const high = Uint8Array.from({ length: size * size * 3 }, (_, i) => Math.floor(i / 3) >> 8);
    // Where each pixel of the turned crop is from.
    const [low, upper] = [codes, high].map((data) => {
      const turned = new Float32Array(size * size * 3);
      copyCrop({ data, width: size, height: size }, { left: 0, top: 0, size, turn }, plain, turned, 0);
      return turned;
    });
    const turned = crop(turn);
    const result = blurred(turned.rgb, turned.vectors);
    const worst = result.reduce((most, value, i) => {
      const from = Math.round(255 * (low?.[3 * i] ?? NaN)) + 256 * Math.round(255 * (upper?.[3 * i] ?? NaN));
      return Math.max(most, Math.abs(value - (whole[from] ?? NaN)));
    }, 0);
    expect(worst).toBeLessThan(1e-5);
  });
});
