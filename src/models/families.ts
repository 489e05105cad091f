import { DeblurError } from '../errors.js';
import { nearest } from '../nearest.js';
import { estrnn } from './estrnn.js';
import { light } from './light.js';
import { maxim } from './maxim.js';
import { mimoUnet } from './mimo-unet.js';
import { nafnet } from './nafnet.js';
import type { Network } from './network.js';
import { restormer } from './restormer.js';

/** Makes a network of a family from its options, which it checks itself. */
type Family = (options: never) => Network;

const families: Readonly<Record<string, Family>> = {
  light,
  nafnet,
  'mimo-unet': mimoUnet,
  restormer,
  estrnn,
  maxim,
};

/** Names of the families. */
export const familyNames: readonly string[] = Object.keys(families);

/**
 * A network by its family's name and its options.
 * @throws DeblurError `MODEL_UNKNOWN`, or `USAGE` for an option that is not right.
 */
export function createNetwork(name: string, options: Readonly<Record<string, unknown>> = {}): Network {
  const family = Object.hasOwn(families, name) ? families[name] : undefined;
  if (!family) {
    const near = nearest(name, [...familyNames]);
    throw new DeblurError('MODEL_UNKNOWN', `There is no network named ${name}.`, {
      hint: near ? `Did you mean ${near}?` : `Known networks: ${familyNames.join(', ')}.`,
    });
  }
  try {
    return family(options as never);
  } catch (cause) {
    throw new DeblurError('USAGE', `The options of the network ${name} are not right: ${(cause as Error).message}`, {
      cause,
    });
  }
}
