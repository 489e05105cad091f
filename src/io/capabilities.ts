import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import type { Engine } from './video.js';

/** Codecs people deliver video in; what an engine can do with each is worth knowing. */
const videoCodecs = ['h264', 'hevc', 'av1', 'vp9', 'prores', 'dnxhd', 'ffv1', 'mjpeg'] as const;

/** What an engine can do with a codec. Hardware codecs are left out: a build lists them whether or not there is hardware. */
export interface CodecSupport {
  /** FFmpeg's codec name. */
  readonly codec: string;
  /** Names of the software decoders. */
  readonly decoders: readonly string[];
  /** Names of the software encoders, as `--codec` takes them. */
  readonly encoders: readonly string[];
}

/** An engine and what it can do. */
export interface EngineCapabilities {
  readonly engine: Engine;
  readonly available: boolean;
  /** Why not, as a full sentence. */
  readonly reason?: string;
  /** FFmpeg's version. */
  readonly version?: string;
  /** Versions of FFmpeg's libraries (`node-av`). */
  readonly libraries?: Readonly<Record<string, string>>;
  /** The binary that is run (`ffmpeg`). */
  readonly path?: string;
  readonly codecs?: readonly CodecSupport[];
}

/** What FFmpeg inside the process can do. An engine that does not load is an answer, not an error. */
export async function nodeAvCapabilities(): Promise<EngineCapabilities> {
  try {
    const { av, constants: flags } = await import('./node-av/binding.js');
    const { version, libraries } = av.getFFmpegInfo();
    const hardware = flags.AV_CODEC_CAP_HARDWARE | flags.AV_CODEC_CAP_HYBRID;
    const software = av.Codec.getCodecList().filter((codec) => (codec.capabilities & hardware) === 0);
    const codecs = videoCodecs.map((name): CodecSupport => {
      const own = software.filter((codec) => av.avGetCodecName(codec.id) === name);
      const names = (list: typeof own) => list.flatMap((codec) => codec.name ?? []);
      return {
        codec: name,
        decoders: names(own.filter((c) => c.isDecoder())),
        encoders: names(own.filter((c) => c.isEncoder())),
      };
    });
    return { engine: 'node-av', available: true, version, libraries, codecs };
  } catch (error) {
    return {
      engine: 'node-av',
      available: false,
      reason: `It does not load: ${(error as Error).message.split('\n')[0]}.`,
    };
  }
}

const run = promisify(execFile);

/** The first file of that name that may be run, along the search path; the name itself when it is a path. */
async function findExecutable(name: string): Promise<string | undefined> {
  if (path.basename(name) !== name) return name;
  const extensions = process.platform === 'win32' ? ['.exe', '.cmd', '.bat', ''] : [''];
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
    for (const extension of extensions) {
      const file = path.join(folder || '.', name + extension);
      const usable = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (usable) return file;
    }
  }
  return undefined;
}

/** The user's ffmpeg binary: `FFMPEG_PATH` where it is set, else the first on the search path. */
export async function ffmpegCapabilities(): Promise<EngineCapabilities> {
  const unavailable = (reason: string): EngineCapabilities => ({ engine: 'ffmpeg', available: false, reason });
  const file = await findExecutable(process.env['FFMPEG_PATH'] ?? 'ffmpeg');
  if (file === undefined) return unavailable('There is no ffmpeg on the search path, and FFMPEG_PATH is not set.');
  try {
    const { stdout } = await run(file, ['-hide_banner', '-version'], { timeout: 20_000 });
    const version = /^ffmpeg version (\S+)/m.exec(stdout)?.[1];
    if (version === undefined) return unavailable(`${file} does not answer as ffmpeg does.`);
    return { engine: 'ffmpeg', available: true, path: file, version };
  } catch (error) {
    return unavailable(`${file} cannot be run: ${(error as Error).message.split('\n')[0]}.`);
  }
}
