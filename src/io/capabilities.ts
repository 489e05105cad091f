import { execFile } from 'node:child_process';
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
    const { av, constants } = await import('./node-av/binding.js');
    const { version, libraries } = av.getFFmpegInfo();
    const { AV_CODEC_CAP_HARDWARE, AV_CODEC_CAP_HYBRID } = constants;
    const software = av.Codec.getCodecList().filter(
      (codec) => (codec.capabilities & (AV_CODEC_CAP_HARDWARE | AV_CODEC_CAP_HYBRID)) === 0,
    );
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
