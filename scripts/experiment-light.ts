import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { merge, readExtended, type Json } from '../src/checked.js';
import { createNetwork } from '../src/models/families.js';
import { parametersOf } from '../src/models/network.js';
import { elements } from '../src/models/ops.js';
import { packagePath } from '../src/package-root.js';
import { trainConfig } from '../src/train/config.js';
import { networkOptions } from '../src/train/trainer.js';
import { runDeblur } from './command-line.js';

/**
 * The search of weights/light.md: the light network's recipe with one thing changed at a time, each trained for as many
 * steps from nothing, on the same samples. A variant that is done is left out, so the script goes on where it was
 * stopped. What it makes is in runs/search; the table is printed.
 *
 * Arguments: the number of steps (1000 by default), then the names of the variants (all by default).
 */
const root = packagePath('runs/search');
const data = packagePath('runs/light/data');

/** What the search begins from, in config/train/light-live.json: every crop, one loss. */
const base: Json = {
  data: { folder: data, edges: 'avoid', sharpest: 60 },
  losses: [{ kind: 'charbonnier' }],
  schedule: { rate: 1e-3 },
};
/** What each variant changes in that. */
const variants: Readonly<Record<string, Json>> = {
  'as it is': {},
  narrow: { network: { width: 24, deepWidth: 60 } },
  wide: { network: { width: 40, deepWidth: 104 } },
  'two deep blocks': { network: { deep: 2 } },
  'five deep blocks': { network: { deep: 5 } },
  'no frame after it': { network: { future: 0 } },
  'no frame before it': { network: { past: 0 } },
  'two frames before it': { network: { past: 2 } },
  'a single frame': { network: { past: 0, future: 0 } },
  'crops below 32 dB': { data: { sharpest: 32 } },
  'PSNR loss': { losses: [{ kind: 'psnr', weight: 3e-3 }] },
  'L2 loss': { losses: [{ kind: 'l2' }] },
};

/** What is read of a report of `deblur evaluate`. */
const report = z.object({
  bands: z.array(
    z.object({
      name: z.string(),
      frames: z.number(),
      subjects: z.array(z.object({ gain: z.object({ psnr: z.number() }).optional() })),
    }),
  ),
});

async function measure(name: string, steps: number): Promise<string[]> {
  const folder = path.join(root, `${name.replaceAll(' ', '-')}-${steps}`);
  const recipe = merge([
    readExtended(packagePath('config/train/light-live.json')),
    base,
    { steps, checkpointEvery: steps },
    variants[name] ?? {},
  ]);
  // Variants are compared at the end only.
  delete recipe['validation'];
  const config = trainConfig.parse(recipe);
  const json = path.join(folder, 'scores.json');
  if (!existsSync(json)) {
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'recipe.json'), JSON.stringify(recipe, null, 2));
    await runDeblur('train', path.join(folder, 'recipe.json'), '--run', folder);
    await runDeblur('evaluate', path.join(folder, 'model.safetensors'), data, '--no-temporal', '--json', json);
  }
  const { bands } = report.parse(JSON.parse(await readFile(json, 'utf8')));
  const network = createNetwork(config.network.name, networkOptions(config));
  const parameters = [...parametersOf(network).values()].reduce((sum, shape) => sum + elements(shape), 0);
  const gains = bands.map(({ subjects }) => (subjects[1]?.gain?.psnr ?? NaN).toFixed(2));
  return [name, parameters.toLocaleString('en'), ...gains];
}

const [steps = '1000', ...wanted] = process.argv.slice(2);
const rows: string[][] = [];
for (const name of Object.keys(variants)) {
  if (wanted.length === 0 || wanted.includes(name)) rows.push(await measure(name, Number(steps)));
}
console.log(`\n${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}`);
