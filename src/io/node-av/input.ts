import { constants as access } from 'node:fs';
import * as fs from 'node:fs/promises';
import { resolve } from 'node:path';
import { DeblurError } from '../../errors.js';
import { av, constants as c } from './binding.js';
import { errorText } from './failure.js';
import { LogRecording } from './log.js';

/**
 * Demuxers that read other files or addresses which the file names. A media file is untrusted, so it may
 * not send the reader elsewhere.
 */
const referring = new Set(['concat', 'hls', 'dash', 'imf', 'sdp', 'rtsp', 'rtp', 'lavfi', 'vapoursynth', 'avisynth']);

/** FFmpeg's address of a local file, safe for names that look like a protocol or an option. */
export function fileAddress(path: string): string {
  return `file:${resolve(path)}`;
}

/** Says in a sentence why a path is no input, where the file system knows; throws `INPUT_NOT_FOUND` or `INPUT_UNREADABLE`. */
async function checkInputFile(path: string): Promise<void> {
  let stats;
  try {
    stats = await fs.stat(path);
    await fs.access(path, access.R_OK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new DeblurError('INPUT_NOT_FOUND', `There is no file ${path}.`, { cause: error });
    }
    if (code === 'EACCES' || code === 'EPERM') {
      throw new DeblurError('INPUT_UNREADABLE', `You have no permission to read ${path}.`, { cause: error });
    }
    throw new DeblurError('INPUT_UNREADABLE', `${path} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
  if (stats.isDirectory()) throw new DeblurError('INPUT_UNREADABLE', `${path} is a folder, not a video file.`);
  if (stats.isFile() && stats.size === 0) throw new DeblurError('INPUT_UNREADABLE', `${path} is an empty file.`);
}

/** Opens a file's container and finds its streams. Throws `INPUT_NOT_FOUND`, `INPUT_UNREADABLE` with the reason. */
export async function openInput(path: string): Promise<av.FormatContext> {
  await checkInputFile(path);
  using log = new LogRecording();
  const context = new av.FormatContext();
  using options = av.Dictionary.fromObject({ protocol_whitelist: 'file' });
  const opened = await context.openInput(fileAddress(path), null, options);
  if (opened < 0) {
    await log.settle();
    throw await unreadable(path, opened, log);
  }
  try {
    const demuxer = context.iformat?.name?.split(',') ?? [];
    if (demuxer.some((name) => referring.has(name))) {
      throw new DeblurError(
        'INPUT_UNREADABLE',
        `${path} is a list of other files (${demuxer.join(', ')}), not a video file.`,
        {
          hint: 'Give the video itself.',
        },
      );
    }
    const found = await context.findStreamInfo();
    if (found < 0) {
      await log.settle();
      throw await unreadable(path, found, log);
    }
    return context;
  } catch (error) {
    await context.closeInput();
    throw error;
  }
}

async function unreadable(path: string, code: number, log: LogRecording): Promise<DeblurError> {
  const detail = log.errors.join(' ');
  const cause = new av.FFmpegError(code);
  // FFmpeg takes anything named .mp4 for one, and misses its index.
  if (detail.includes('moov atom not found') && (await beginsAsMp4(path))) {
    return new DeblurError(
      'INPUT_UNREADABLE',
      `${path} is cut off: its index (the "moov" part that a recorder writes last) is missing, so nothing in it can be decoded.`,
      {
        cause,
        hint: 'Copy the file again from where it was recorded, or repair it with a tool that knows the camera.',
      },
    );
  }
  if (code === c.AVERROR_INVALIDDATA || detail.includes('moov atom not found')) {
    return new DeblurError(
      'INPUT_UNREADABLE',
      `${path} is not a video file that FFmpeg knows, or its beginning is damaged.`,
      { cause },
    );
  }
  return new DeblurError('INPUT_UNREADABLE', `${path} cannot be opened: ${log.errors.at(-1) ?? errorText(code)}.`, {
    cause,
  });
}

/** True when the first box has a type that MP4 and QuickTime files begin with. */
async function beginsAsMp4(path: string): Promise<boolean> {
  const file = await fs.open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
    return bytesRead === 8 && /^(ftyp|styp|moov|mdat|free|skip|wide|pnot)$/.test(buffer.toString('latin1', 4));
  } finally {
    await file.close();
  }
}
