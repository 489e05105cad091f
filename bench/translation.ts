import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import type { Frame } from '../src/io/frame.js';
import { openVideo } from '../src/io/index.js';
import { chainModels } from '../src/models/chain.js';
import { light } from '../src/models/light.js';
import { mimoUnet } from '../src/models/mimo-unet.js';
import { nafnet } from '../src/models/nafnet.js';
import type { Network } from '../src/models/network.js';
import type { NetworkModel } from '../src/models/registry.js';
import { packagePath } from '../src/package-root.js';
import type { FrameSession } from '../src/runtime/frame-session.js';
import { createFrameSession, createTranslatedSession } from '../src/runtime/onnx/frame-session.js';
import { modelStage } from '../src/runtime/onnx/model-stage.js';
import { windowLength } from '../src/runtime/picture/frame-stage.js';
import { initialParameters } from '../src/train/parameters.js';
import { Random } from '../src/train/random.js';
import { median, spread, type Figure } from './figure.js';

const threads = 2;
const frames = 6;
const rounds = 3;

function drawn(network: Network): NetworkModel {
  return { kind: 'network', name: network.name, network, weights: initialParameters(network, new Random(1)) };
}

const translator = drawn(mimoUnet({ baseChannels: 8 }));
const deblurrers = [
  { name: 'NAFNet width 16', model: drawn(nafnet({ width: 16 })) },
  { name: 'the light network', model: drawn(light()) },
] as const;

/** Seconds per frame of a session on a clip, its first frame not counted. */
async function secondsPerFrame(session: FrameSession, clip: readonly Frame[]): Promise<number> {
  const { past, future } = session.window;
  const at = (i: number) => clip[Math.min(Math.max(i, 0), clip.length - 1)]!;
  let started = 0;
  for (let i = 0; i < clip.length; i += 1) {
    if (i === 1) started = performance.now();
    await session.run([Array.from({ length: past + 1 + future }, (_, k) => at(i - past + k))]);
  }
  await session.close();
  return (performance.now() - started) / 1000 / (clip.length - 1);
}

/** How much slower the choice may seem by chance. */
const noise = 1.05;

/**
 * Seconds per frame of a translator and a deblurring network as one graph, and as two between which translated frames
 * are kept: `deblur run` takes one graph for networks that look at one frame and two for others.
 */
export async function translationRate(): Promise<Figure> {
  const clip: Frame[] = [];
  const details: string[] = [];
  let met = true;
  try {
    await using reader = await openVideo(packagePath('test/fixtures/clips/mountain-blurry.mp4'));
    for await (const frame of reader.frames()) if (clip.push(frame) === frames) break;
    const geometry = clip[0]!.properties;
    for (const { name, model } of deblurrers) {
      const [one, two]: [number[], number[]] = [[], []];
      for (let round = 0; round < rounds; round += 1) {
        const chained = await modelStage(chainModels(translator, model));
        one.push(await secondsPerFrame(createFrameSession(chained, geometry, { threads }), clip));
        const stages = [await modelStage(translator), await modelStage(model)] as const;
        two.push(await secondsPerFrame(createTranslatedSession(...stages, geometry, { threads }), clip));
      }
      const [chosen, other] = windowLength(model.network) === 1 ? [one, two] : [two, one];
      met &&= median(chosen) <= noise * median(other);
      details.push(
        `${name}, ${geometry.width}x${geometry.height}: one graph ${spread(one, 3)} s a frame, two ${spread(two, 3)} s`,
      );
    }
  } finally {
    for (const frame of clip) frame.dispose();
  }
  return {
    name: 'Translation before deblurring (MIMO-UNet of 8 channels), CPU',
    asked: 'the way that "deblur run" takes is no slower than the other',
    reached: met ? 'it is not' : 'it is slower',
    met,
    details,
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(await translationRate());
