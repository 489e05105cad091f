import { DeblurError } from '../../errors.js';
import { ffmpegCapabilities } from '../capabilities.js';

/** The user's ffmpeg. */
export interface Binary {
  readonly path: string;
  /** Version as the binary states it, for instance `5.1.9-0+deb12u1`. */
  readonly version: string;
}

/** Finds the ffmpeg of `FFMPEG_PATH` or of the search path. Throws `ENGINE_UNAVAILABLE` with how to install one. */
export async function findBinary(): Promise<Binary> {
  const { available, path, version, reason } = await ffmpegCapabilities();
  if (available && path !== undefined && version !== undefined) return { path, version };
  throw new DeblurError('ENGINE_UNAVAILABLE', `The ffmpeg engine cannot be used. ${reason ?? ''}`.trim(), {
    hint: 'Install ffmpeg (apt install ffmpeg, brew install ffmpeg, winget install ffmpeg), set FFMPEG_PATH, or use the node-av engine.',
  });
}

/** The option that keeps every timestamp as it is: it was renamed in FFmpeg 5.1. */
export function passthroughOption({ version }: Binary): string[] {
  const [, major, minor] = /^n?(\d+)\.(\d+)/.exec(version) ?? [];
  const old = major !== undefined && Number(major) + Number(minor) / 10 < 5.1;
  return old ? ['-vsync', '0'] : ['-fps_mode', 'passthrough'];
}
