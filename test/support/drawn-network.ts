import type { Network } from '../../src/models/network.js';
import type { NetworkModel } from '../../src/models/registry.js';
import { initialParameters } from '../../src/train/parameters.js';
import { Random } from '../../src/train/random.js';

/** A network whose parameters are drawn, so that it changes a picture by about a tenth. */
export function drawnModel(network: Network, seed: number): NetworkModel {
  const random = new Random(seed);
  const weights = initialParameters(network, random);
  for (const [name, { data }] of weights) {
    const size = name.startsWith('output.') ? 0.02 : Math.max(...data.map(Math.abs));
    data.forEach((_, i) => (data[i] = random.between(-size, size)));
  }
  return { kind: 'network', name: network.name, network, weights };
}
