import { readdirSync } from 'node:fs';
import { z } from 'zod';
import { checked, merge, readJson, type Json } from './checked.js';
import { DeblurError } from './errors.js';
import { packagePath } from './package-root.js';
import { nearest } from './nearest.js';
import { backendNames } from './runtime/tensorflow/backend.js';

const units: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Bytes of a size such as `2G`, `512M`, `1.5GiB` or a plain number; undefined when it is none. */
export function parseBytes(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*$/i.exec(text);
  const factor = units[match?.[2]?.toLowerCase() ?? '?'];
  return match && factor !== undefined ? Math.round(Number(match[1]) * factor) : undefined;
}

const bytes = z.union([z.number().int().positive(), z.string()]).transform((value, context) => {
  const parsed = typeof value === 'number' ? value : parseBytes(value);
  if (parsed !== undefined && parsed > 0) return parsed;
  context.addIssue({ code: 'custom', message: 'a size such as 2G or 512M is expected' });
  return z.NEVER;
});

/** How the result is encoded. */
const encodeSettings = z.strictObject({
  /** Encoder name. Default: the container's usual one. */
  codec: z.string().min(1).optional(),
  /** Constant quality on the encoder's own scale. Default 18 for x264 and x265. */
  crf: z.number().min(0).max(255).optional(),
  /** Encoder preset. Default: the encoder's. */
  preset: z.string().min(1).optional(),
  /** FFmpeg pixel format. Default: the source's, or the nearest the encoder takes. */
  format: z.string().min(1).optional(),
  /** FFmpeg muxer. Default: by the file's extension. */
  container: z.string().min(1).optional(),
  /** Any other encoder option with FFmpeg's names. */
  encoderOptions: z.record(z.string(), z.string()).optional(),
});

/** Everything a run can be told, apart from its files. */
const runSettings = z.strictObject({
  /** `node-av` (FFmpeg inside the process) or `ffmpeg` (the user's binary). Default `node-av`. */
  engine: z.enum(['node-av', 'ffmpeg']),
  /** A model's name, the path of an `.onnx` file, or `none` to only re-encode. Default `maxim`. */
  model: z.string().min(1),
  /**
   * A network that first turns the frame's blur into one that the model knows, named as a model, or `none`. Default
   * `none`.
   */
  translate: z.string().min(1).default('none'),
  /** How much of the result to use: 0 is the source, 1 the network's result. Default 1. */
  strength: z.number().min(0).max(1),
  /**
   * How much each result takes of the one before it, 0 to 1, moved along with what it shows: less flicker. Default: what suits
   * the model, 0 for most.
   */
  temporalFilter: z.number().min(0).max(1).optional(),
  /** Who executes the network: ONNX Runtime, or TensorFlow through TensorFlow.js. Default `onnx`. */
  runtime: z.enum(['onnx', 'tensorflow']),
  /** ONNX Runtime's execution provider (`cpu`, `cuda`, `webgpu`, `coreml`, `dml`, …) or `auto`. Default `auto`. */
  provider: z.string().min(1),
  /** TensorFlow.js's backend, or `auto` for the best that works. Default `auto`. */
  backend: z.enum(['auto', ...backendNames]),
  /** Memory budget for a network run; larger frames are tiled to keep it. Default: half of what is free. */
  memory: bytes.optional(),
  /** Threads for the network, of all its processes. Default: one per processor. */
  threads: z.number().int().positive().optional(),
  /**
   * Processes that run the network side by side, each with its part of the threads and of the memory. Default: 2 for ONNX
   * Runtime on a processor, where each frame fits into a part of the memory and is needed by one network alone; else 1.
   */
  processes: z.number().int().positive().max(16).optional(),
  /** Frames per network run. Default 1 on a processor, 4 on an accelerator. */
  batch: z.number().int().positive().max(64).optional(),
  /** Runs asked of each process at once; with two the next one's frames are there when a run ends. Default 2. */
  concurrency: z.number().int().positive().max(16).default(2),
  /** Frames in flight between decoder and encoder. Default 8 more than the network holds. */
  credits: z.number().int().positive().optional(),
  /** Fail on damaged input in place of going on. Default false. */
  strict: z.boolean().default(false),
  sceneCut: z.strictObject({
    /** Scene-change score from 0 to 1 above which a new shot begins. Default 0.1. */
    threshold: z.number().min(0).max(1),
    /** Pause, in usual frame intervals, above which a new shot begins. Default 4. */
    gap: z.number().min(1),
  }),
  encode: encodeSettings,
});

/** Settings of a run, complete and checked. */
export type RunSettings = z.output<typeof runSettings>;

/** Settings as a caller, preset or file gives them: any part may be left out. */
export type PartialRunSettings = Partial<Omit<z.input<typeof runSettings>, 'sceneCut'>> & {
  sceneCut?: Partial<z.input<typeof runSettings>['sceneCut']>;
};

/** Names of the presets in `config/presets`. */
export function presetNames(): string[] {
  return readdirSync(packagePath('config/presets'))
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
    .sort();
}

/** A preset by its name, or a file by its path. */
function readLayer(nameOrFile: string): Json {
  const names = presetNames();
  if (names.includes(nameOrFile)) return readJson(packagePath('config/presets', `${nameOrFile}.json`));
  if (nameOrFile.endsWith('.json')) return readJson(nameOrFile);
  const near = nearest(nameOrFile, names);
  throw new DeblurError('USAGE', `There is no preset "${nameOrFile}".`, {
    hint: `${near ? `Did you mean "${near}"? ` : ''}The presets are ${names.join(', ')}; a file's name ends in .json.`,
  });
}

/**
 * Settings of a run, checked once. Later layers win: `config/default.json`, then the preset or file,
 * then what the caller says.
 * @param layer A preset's name from `config/presets` or the path of a `.json` file.
 * @throws DeblurError `USAGE` that names the path of what is wrong.
 */
export function runSettingsFrom(overrides: PartialRunSettings = {}, layer?: string): RunSettings {
  const layers = [readJson(packagePath('config/default.json'))];
  if (layer !== undefined) layers.push(readLayer(layer));
  layers.push(overrides);
  return checked(runSettings, merge(layers), 'A setting is not right');
}
