import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { DeblurError, throwIfAborted } from '../errors.js';
import { createVideo, openVideo } from '../io/index.js';
import { planarFormat, workingFormat } from '../io/pixel-format.js';
import type { Damage, StreamNote, VideoReader, WriteReport } from '../io/video.js';
import type { FrameSession } from '../runtime/frame-session.js';
import { openHostedSession } from '../runtime/host/hosted-session.js';
import { networksOf, type NetworkChain } from '../runtime/network-chain.js';
import { chooseProvider } from '../runtime/onnx/provider-choice.js';
import { SessionPool } from '../runtime/session-pool.js';
import { runSettingsFrom, type PartialRunSettings, type RunSettings } from '../settings.js';
import { TemporalFilter } from '../temporal/temporal-filter.js';
import { flow, type FlowCounts } from './flow.js';

/** Progress of a run, after each written frame. */
export interface RunProgress {
  /** Frames written. */
  readonly frames: number;
  /** Frames the container promises, where it does. */
  readonly total: number | undefined;
  /** Seconds since the first frame was asked for. */
  readonly seconds: number;
  /** Frames per second so far. */
  readonly rate: number;
  /** Seconds still to go, where the total is known. */
  readonly remaining: number | undefined;
}

/** What a run is about to do, known before the first frame. */
export interface RunPlan {
  readonly input: string;
  readonly output: string;
  readonly engine: string;
  readonly width: number;
  readonly height: number;
  /** Pixel format the frames travel in. */
  readonly format: string;
  readonly model: string;
  /** The network before the model, undefined without one. */
  readonly translator: string | undefined;
  /** Who executes the network, undefined without one. */
  readonly runtime: 'onnx' | 'tensorflow' | undefined;
  /** ONNX Runtime's execution provider or TensorFlow.js's backend, undefined without a network. */
  readonly provider: string | undefined;
  /** Tiles per frame, undefined without a network. */
  readonly tiles: number | undefined;
}

/** What a run did. */
export interface RunReport extends RunPlan, FlowCounts {
  readonly seconds: number;
  /** Frames per second from the first read to the completed file. */
  readonly rate: number;
  readonly bytes: number;
  readonly codec: string;
  /** Pixel format of the encoded video. */
  readonly encodedFormat: string;
  readonly damage: Damage;
  readonly streams: readonly StreamNote[];
}

/** Options of {@link deblurVideo}: files, settings and callbacks. */
export interface RunOptions extends PartialRunSettings {
  /** The video to read. */
  input: string;
  /** The video to write; its extension chooses the container. */
  output: string;
  /** Replace an existing output. Default false. */
  overwrite?: boolean;
  /** A preset's name from `config/presets`, or the path of a JSON file of settings. Default none. */
  settings?: string;
  /** Called once before the first frame. */
  onPlan?: (plan: RunPlan) => void;
  /** Called after each written frame. */
  onProgress?: (progress: RunProgress) => void;
  /** Cancels the run: it rejects with `CANCELLED` and leaves no output. */
  signal?: AbortSignal;
}

function networksIn({ model, translate: translator }: RunSettings): NetworkChain | undefined {
  return networksOf({ model, translator });
}

/** Opens the input so that a network can take its frames; without a network, in the decoder's own format. */
async function openInput(input: string, settings: RunSettings, signal?: AbortSignal): Promise<VideoReader> {
  const { engine, strict } = settings;
  const options = { engine, strict, signal };
  const reader = await openVideo(input, options);
  if (!networksIn(settings) || planarFormat(reader.video.format)) return reader;
  const { name } = workingFormat(reader.video.format);
  await reader.close();
  return openVideo(input, { ...options, format: name });
}

/** Frames that fill an accelerator: enough to hide the launch of its kernels. */
const acceleratorBatch = 4;

/** Half of what a process may still take, the default budget of a network run. */
function halfOfFreeMemory(): number {
  return process.availableMemory() / 2;
}

async function openSession(
  { video }: VideoReader,
  settings: RunSettings,
  signal: AbortSignal | undefined,
): Promise<FrameSession | undefined> {
  const { runtime, backend, memory = halfOfFreeMemory(), strength, threads } = settings;
  const networks = networksIn(settings);
  if (!networks) return undefined;
  const { width, height, format, color } = video;
  const geometry = { width, height, format, color };
  if (runtime === 'tensorflow') {
    const options = { backend, memory, strength, threads, batch: settings.batch };
    return openHostedSession({ ...networks, geometry, runtime, options }, signal);
  }
  const provider = await chooseProvider(settings.provider, signal);
  const { batch = provider === 'cpu' ? 1 : acceleratorBatch } = settings;
  const all = threads ?? availableParallelism();
  const open = (processes: number) => {
    const part = {
      memory: Math.floor(memory / processes),
      threads: processes === 1 ? threads : Math.max(1, Math.floor(all / processes)),
    };
    return openHostedSession({ ...networks, geometry, options: { provider, strength, batch, ...part } }, signal);
  };
  // A translated frame is kept for the windows that share it: of two processes each would translate it.
  const apart = provider === 'cpu' && networks.translator === undefined ? Math.min(2, all) : 1;
  const { processes = apart } = settings;
  if (processes === 1) return open(1);
  const pool = await SessionPool.open(processes, () => open(processes));
  if (pool.tiles === 1 || settings.processes !== undefined) return pool;
  await pool.close();
  return open(1);
}

/**
 * Deblurs a video file: decode → mark cuts → deblur → guard → order → steady → encode, beside the source's other
 * streams. Frames out equal frames in; an output exists only when the promise resolves.
 * @throws DeblurError of every code; `CANCELLED` when the signal fires.
 */
export async function deblurVideo(options: RunOptions): Promise<RunReport> {
  const { input, output, overwrite = false, settings: layer, onPlan, onProgress, signal, ...overrides } = options;
  const settings = runSettingsFrom(overrides, layer);
  throwIfAborted(signal);
  const started = performance.now();

  await using reader = await openInput(input, settings, signal);
  await using writer = await createVideo(output, {
    ...settings.encode,
    source: reader,
    overwrite,
    signal,
  });
  const session = await openSession(reader, settings, signal);
  const plan: RunPlan = {
    input,
    output,
    engine: settings.engine,
    width: reader.video.width,
    height: reader.video.height,
    format: reader.video.format,
    model: settings.model,
    translator: settings.translate === 'none' ? undefined : settings.translate,
    runtime: session && settings.runtime,
    provider: session?.provider,
    tiles: session?.tiles,
  };
  onPlan?.(plan);

  const filter =
    session &&
    TemporalFilter.where(reader.video, {
      strength: settings.temporalFilter ?? session.temporalFilter,
      lookAhead: true,
    });
  const total = reader.video.frameCount;
  let counts: FlowCounts;
  const running = performance.now();
  try {
    counts = await flow({
      reader,
      writer,
      session,
      filter,
      concurrency: settings.concurrency * (session instanceof SessionPool ? session.size : 1),
      credits: settings.credits,
      sceneCut: settings.sceneCut,
      signal,
      onFrame: ({ written }) => {
        const seconds = (performance.now() - running) / 1000;
        const rate = written / seconds;
        const remaining = total === undefined ? undefined : Math.max(0, total - written) / rate;
        onProgress?.({ frames: written, total, seconds, rate, remaining });
      },
    });
  } finally {
    await session?.close();
  }
  const written: WriteReport = await writer.finish();
  if (counts.read !== written.frames) {
    throw new DeblurError('ENGINE_FAILED', `${counts.read} frames were read but ${written.frames} were written.`);
  }
  const seconds = (performance.now() - started) / 1000;
  const { lostPackets, corruptFrames, truncated, notes } = reader.damage;
  return {
    ...plan,
    ...counts,
    seconds,
    rate: counts.written / ((performance.now() - running) / 1000),
    bytes: written.bytes,
    codec: written.codec,
    encodedFormat: written.format,
    damage: { lostPackets, corruptFrames, truncated, notes },
    streams: written.streams,
  };
}
