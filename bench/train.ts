import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { light } from '../src/models/light.js';
import { openBackend } from '../src/runtime/tensorflow/backend.js';
import { TensorflowOps } from '../src/runtime/tensorflow/tf-ops.js';
import { Adam } from '../src/train/adam.js';
import { differentiate } from '../src/train/gradients.js';
import { combineLosses } from '../src/train/losses.js';
import { initialParameters, Parameters } from '../src/train/parameters.js';
import { Random } from '../src/train/random.js';
import type { Figure } from './figure.js';
import { compareWithTorch } from './torch.js';

const [batch, crop, threads, rounds] = [16, 96, 2, 20];
/** One after another before it is the other's turn: the first finds its memory where the other left it. */
const steps = 10;

/** Seconds of one training step of the light network on tfjs-node against PyTorch with as many threads, some of each turn about. */
export async function trainingRate(): Promise<Figure> {
  const { tf } = await openBackend('tensorflow');
  const network = light();
  const random = new Random(1);
  using parameters = new Parameters(tf, initialParameters(network, random));
  // PyTorch's step keeps no mean of the parameters either.
  using adam = new Adam(tf, parameters, { clip: 1, average: 0 });
  const ops = new TensorflowOps(tf);
  using loss = combineLosses(tf, [{ kind: 'charbonnier' }]);
  const pictures = (count: number) =>
    Array.from({ length: count }, () => Float32Array.from({ length: batch * crop * crop * 3 }, () => random.unit()));
  const data = { batch, crop, blur: pictures(3), sharp: pictures(1) };
  const ours = () => {
    const start = performance.now();
    for (let step = 0; step < steps; step += 1) {
      const { gradients } = differentiate(network, parameters, loss, data, { tf, ops, clip: 1 });
      adam.update(gradients, 1e-4);
      tf.dispose([...gradients]);
    }
    return (performance.now() - start) / 1000 / steps;
  };
  // Awaited here: what `ours` uses is disposed when this function ends.
  return await compareWithTorch({
    name: `a training step of the light network, batch ${batch} of ${crop}², CPU`,
    asked: "at most 1.5 of PyTorch's time",
    most: 1.5,
    ours,
    side: 'tfjs-node',
    script: 'train_torch.py',
    args: [batch, crop, threads, steps],
    warmup: 3,
    rounds,
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(await trainingRate());
