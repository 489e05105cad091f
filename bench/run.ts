import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Figure } from './figure.js';
import { lightRate } from './light.js';
import { liveLatency } from './live/latency.js';
import { restartedSource } from './live/restarts.js';
import { hundredViewers, stalledViewers } from './live/viewers.js';
import { losslessIdentity } from './lossless.js';
import { maximRate } from './maxim.js';
import { memoryOfLength } from './memory.js';
import { nafnetRate } from './nafnet.js';
import { pipelineRate } from './pipeline.js';
import { trainingRate } from './train.js';
import { translationRate } from './translation.js';

/** Every benchmark by the name it is chosen with: `npm run bench -- pipeline memory`. */
const benchmarks: Readonly<Record<string, (folder: string) => Promise<Figure>>> = {
  pipeline: pipelineRate,
  lossless: losslessIdentity,
  memory: memoryOfLength,
  maxim: maximRate,
  nafnet: nafnetRate,
  light: lightRate,
  train: trainingRate,
  translation: translationRate,
  latency: liveLatency,
  viewers: hundredViewers,
  stalled: stalledViewers,
  restarts: restartedSource,
};

function describe({ name, asked, reached, met, details }: Figure): string {
  const verdict = met === undefined ? 'not measured' : met ? 'met' : 'missed';
  return [
    `${name}`,
    `  asked:   ${asked}`,
    `  reached: ${reached} (${verdict})`,
    ...details.map((line) => `  ${line}`),
  ].join('\n');
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in benchmarks));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}; there are ${Object.keys(benchmarks).join(', ')}.`);
  process.exit(2);
}
const [processor] = cpus();
console.log(
  `${new Date().toISOString().slice(0, 10)}, ${processor?.model}, ${cpus().length} processors, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}\n`,
);
const folder = await mkdtemp(join(tmpdir(), 'deblur-bench-'));
try {
  for (const [name, measure] of Object.entries(benchmarks)) {
    if (asked.length === 0 || asked.includes(name)) console.log(`${describe(await measure(folder))}\n`);
  }
} finally {
  await rm(folder, { recursive: true });
}
