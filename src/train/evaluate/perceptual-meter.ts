import { readFile } from 'node:fs/promises';
import { DeblurError } from '../../errors.js';
import { lpips, lpipsSmallest, readLpipsWeights } from '../../models/lpips.js';
import type { Tensors } from '../../models/weights/tensors.js';
import { GraphBuilder } from '../../runtime/onnx/graph.js';
import { constantWeights, OnnxOps } from '../../runtime/onnx/onnx-ops.js';
import { OnnxSession, tensor } from '../../runtime/onnx/session.js';
import { SessionForSize } from '../session-for-size.js';
import type { DecodedPicture } from '../sets/picture-cache.js';

/** Measures LPIPS with ONNX Runtime on the CPU. */
export class PerceptualMeter implements AsyncDisposable {
  readonly #weights: Tensors;
  readonly #sessions = new SessionForSize(
    ({ width, height }) => OnnxSession.create(this.#graph(width, height)),
    (session) => session.dispose(),
  );

  /** @param weights as `readLpipsWeights` gives them. */
  constructor(weights: Tensors) {
    this.#weights = weights;
  }

  /**
   * A meter with the weights of a file.
   * @throws DeblurError `INPUT_NOT_FOUND`, `CHECKPOINT_INVALID`.
   */
  static async open(file: string): Promise<PerceptualMeter> {
    let bytes: Uint8Array;
    try {
      bytes = await readFile(file);
    } catch (cause) {
      throw new DeblurError('INPUT_NOT_FOUND', `The weights ${file} can't be read.`, { cause });
    }
    return new PerceptualMeter(readLpipsWeights(bytes, file));
  }

  /** The distance of two pictures of one size, 0 for equal ones; NaN where they are too small for the network. */
  async measure(a: DecodedPicture, b: DecodedPicture): Promise<number> {
    const { width, height } = a;
    if (Math.min(width, height) < lpipsSmallest) return NaN;
    const session = await this.#sessions.get(a);
    const feed = ({ data }: DecodedPicture) => tensor('uint8', data, [1, height, width, 3]);
    const { distance } = await session.run({ a: feed(a), b: feed(b) });
    return Number(distance?.data[0]);
  }

  #graph(width: number, height: number): Uint8Array {
    const builder = new GraphBuilder();
    const ops = new OnnxOps(builder);
    const [a, b] = ['a', 'b'].map((name) => {
      const codes = builder.input(name, 'uint8', [1, height, width, 3]);
      const float = builder.node(
        'Cast',
        [codes],
        { type: 'float32', shape: codes.shape },
        { attributes: { to: { int: 1 } } },
      );
      return ops.mul(ops.transpose(float, [0, 3, 1, 2]), builder.scalar(1 / 255));
    });
    if (!a || !b) throw new TypeError('there are two pictures');
    builder.output('distance', lpips(ops, constantWeights(builder, this.#weights), a, b));
    return builder.serialize();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#sessions[Symbol.asyncDispose]();
  }
}
