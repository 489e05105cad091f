import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { DeblurError } from '../../errors.js';
import {
  applyKernel,
  extractKernel,
  kernelWizardLeast,
  kernelWizardMultiple,
  readKernelWizard,
  type KernelWizard,
} from '../../models/kernel-wizard.js';
import { bounce } from '../../models/mirror.js';
import { GraphBuilder } from '../../runtime/onnx/graph.js';
import { constantWeights, OnnxOps } from '../../runtime/onnx/onnx-ops.js';
import { OnnxSession, tensor } from '../../runtime/onnx/session.js';
import type { Random } from '../random.js';
import { SessionForSize } from '../session-for-size.js';
import type { FramePair } from '../sets/pair-set.js';
import { PictureCache, type DecodedPicture } from '../sets/picture-cache.js';
import type { KnownBlur } from './known-blur.js';

/** Options of {@link kernelWizardBlur}. */
export interface KernelWizardBlurOptions {
  /** A published checkpoint. */
  readonly weights: string;
  /** Pairs with the known blur, whose kernels are given to other pictures. */
  readonly pairs: readonly FramePair[];
  /** Threads of ONNX Runtime. Default: one per processor. */
  readonly threads?: number;
  /** Bytes of decoded pictures that are kept. Default 1 GiB. */
  readonly cache?: number;
}

/**
 * Blurs pictures with KernelWizard, as Blur2Blur's training does: the kernel of a drawn pair with known blur is given
 * to the picture. Sides are mirrored up to multiples of 128 pixels, and cut again.
 *
 * @throws DeblurError `INPUT_NOT_FOUND`; `CHECKPOINT_INVALID`; `USAGE` without pairs.
 */
export async function kernelWizardBlur({
  weights,
  pairs,
  threads,
  cache = 2 ** 30,
}: KernelWizardBlurOptions): Promise<KnownBlur> {
  if (pairs.length === 0) throw new DeblurError('USAGE', 'KernelWizard needs pairs with the known blur.');
  let bytes: Uint8Array;
  try {
    bytes = await readFile(weights);
  } catch (cause) {
    throw new DeblurError('INPUT_NOT_FOUND', `The weights ${weights} can't be read.`, { cause });
  }
  const wizard = readKernelWizard(bytes, basename(weights));
  return new KernelWizardBlur(wizard, pairs, new PictureCache(cache), threads);
}

class KernelWizardBlur implements KnownBlur {
  readonly name = 'KernelWizard';
  readonly #wizard: KernelWizard;
  readonly #pairs: readonly FramePair[];
  readonly #pictures: PictureCache;
  readonly #sessions: SessionForSize<OnnxSession>;

  constructor(wizard: KernelWizard, pairs: readonly FramePair[], pictures: PictureCache, threads: number | undefined) {
    this.#wizard = wizard;
    this.#pairs = pairs;
    this.#pictures = pictures;
    this.#sessions = new SessionForSize(
      ({ width, height }) => OnnxSession.create(this.#graph(width, height).serialize(), { threads }),
      (session) => session.dispose(),
    );
  }

  async blur(picture: DecodedPicture, random: Random): Promise<DecodedPicture> {
    const [width, height] = [padded(picture.width), padded(picture.height)];
    const pair = random.pick(this.#pairs);
    const [blurry, sharp] = await Promise.all([this.#pictures.get(pair.blur), this.#pictures.get(pair.sharp)]);
    if (blurry.width !== sharp.width || blurry.height !== sharp.height) {
      throw new DeblurError('INPUT_UNREADABLE', `${pair.blur} and ${pair.sharp} are not of one size.`);
    }
    const left = random.below(Math.max(1, blurry.width - width + 1));
    const top = random.below(Math.max(1, blurry.height - height + 1));
    const cut = (source: DecodedPicture, x: number, y: number) =>
      tensor('float32', channelsFirst(source, { left: x, top: y, width, height }), [1, 3, height, width]);
    const feeds = {
      known: cut(blurry, left, top),
      truth: cut(sharp, left, top),
      picture: cut(picture, 0, 0),
      ...(this.#wizard.config.variational && { normal: this.#normal(width, height, random) }),
    };
    // Samples of a batch are blurred side by side.
    const { blurred } = await this.#sessions.use({ width, height }, (session) => session.run(feeds));
    if (!blurred) throw new TypeError('the graph gave no picture');
    return interleaved(blurred.data as Float32Array, { width, height }, picture);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#sessions[Symbol.asyncDispose]();
  }

  #graph(width: number, height: number): GraphBuilder {
    const { config, weights } = this.#wizard;
    const graph = new GraphBuilder();
    const [ops, parameters] = [new OnnxOps(graph), constantWeights(graph, weights)];
    const input = (name: string) => graph.input(name, 'float32', [1, 3, height, width]);
    const { mean, sigma } = extractKernel(ops, parameters, input('truth'), input('known'), config);
    const kernel =
      sigma === undefined ? mean : ops.add(mean, ops.mul(sigma, graph.input('normal', 'float32', sigma.shape)));
    const blurred = applyKernel(ops, parameters, input('picture'), kernel, config);
    graph.output('blurred', ops.clip(blurred, 0, 1));
    return graph;
  }

  #normal(width: number, height: number, random: Random) {
    const { features = 64 } = this.#wizard.config;
    const shape = [1, 8 * features, height / kernelWizardMultiple, width / kernelWizardMultiple];
    const count = shape.reduce((product, size) => product * size, 1);
    return tensor(
      'float32',
      Float32Array.from({ length: count }, () => random.normal()),
      shape,
    );
  }
}

/** The next side that KernelWizard takes. */
function padded(size: number): number {
  return Math.max(kernelWizardLeast, Math.ceil(size / kernelWizardMultiple) * kernelWizardMultiple);
}

/** A part of a picture as `[3, H, W]` in [0, 1]; outside is its mirror image. */
function channelsFirst(
  picture: DecodedPicture,
  { left, top, width, height }: { left: number; top: number; width: number; height: number },
): Float32Array {
  const result = new Float32Array(3 * width * height);
  const indices = (size: number, from: number, count: number) =>
    bounce(size, 0, Math.max(0, from + count - size)).slice(from, from + count);
  const columns = indices(picture.width, left, width);
  indices(picture.height, top, height).forEach((row, y) => {
    columns.forEach((column, x) => {
      const from = 3 * (row * picture.width + column);
      for (let c = 0; c < 3; c += 1) result[(c * height + y) * width + x] = picture.data[from + c]! / 255;
    });
  });
  return result;
}

/** The top left part of `[3, H, W]` as a picture of 8 bits. */
function interleaved(
  planes: Float32Array,
  whole: { readonly width: number; readonly height: number },
  { width, height }: Pick<DecodedPicture, 'width' | 'height'>,
): DecodedPicture {
  const data = new Uint8Array(3 * width * height);
  for (let at = 0, y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      for (let c = 0; c < 3; c += 1, at += 1) {
        data[at] = Math.round(255 * planes[(c * whole.height + y) * whole.width + x]!);
      }
    }
  }
  return { data, width, height };
}
