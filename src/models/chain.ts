import { clamped } from './arithmetic.js';
import { applyNetwork, type Network } from './network.js';
import { within } from './ops.js';
import type { NetworkModel } from './registry.js';

const translatorScope = 'translator.';
const deblurrerScope = 'deblurrer.';

/**
 * A translator and the network behind it as one network: the translator's result, clamped to [0, 1], is what the
 * other one restores. Each pads the frame as it needs. Every frame of a window is translated for itself, so a chain
 * is for networks that look at one frame; who looks at neighbours translates each frame once and keeps it.
 *
 * @param translator turns a frame's blur into one that `deblurrer` knows.
 * @returns a network of both, its parameters under `translator.` and `deblurrer.`.
 */
export function chainModels(translator: NetworkModel, deblurrer: NetworkModel): NetworkModel {
  const scoped = (scope: string, model: NetworkModel) =>
    [...model.weights].map(([name, tensor]) => [scope + name, tensor] as const);
  return {
    kind: 'network',
    name: `${translator.name} > ${deblurrer.name}`,
    network: chain(translator.network, deblurrer.network),
    weights: new Map([...scoped(translatorScope, translator), ...scoped(deblurrerScope, deblurrer)]),
  };
}

function chain(translator: Network, deblurrer: Network): Network {
  const { past, future } = translator.window;
  const length = past + 1 + future;
  const far = translator.reach === 'global' || deblurrer.reach === 'global';
  return {
    name: `${translator.name} > ${deblurrer.name}`,
    sizes: {
      ...deblurrer.sizes,
      multiple: commonMultiple(translator.sizes.multiple, deblurrer.sizes.multiple),
    },
    window: { past: past + deblurrer.window.past, future: future + deblurrer.window.future },
    reach: far ? 'global' : Number(translator.reach) + Number(deblurrer.reach),
    overlap: translator.overlap + deblurrer.overlap,
    temporalFilter: deblurrer.temporalFilter ?? 0,
    forward: (ops, weights, frames) => {
      const [own, next] = [within(weights, translatorScope), within(weights, deblurrerScope)];
      const translated = Array.from({ length: frames.length - length + 1 }, (_, k) =>
        clamped(ops, applyNetwork(ops, translator, own, frames.slice(k, k + length))),
      );
      return [applyNetwork(ops, deblurrer, next, translated)];
    },
  };
}

function commonMultiple(a: number, b: number): number {
  let [larger, smaller] = [a, b];
  while (smaller > 0) [larger, smaller] = [smaller, larger % smaller];
  return (a / larger) * b;
}
