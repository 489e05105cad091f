import { readdir, readFile } from 'node:fs/promises';
import { av } from '../../io/node-av/binding.js';

/** A size and rate that a device offers. */
export interface DeviceMode {
  readonly width: number;
  readonly height: number;
  /** Frames per second. */
  readonly rate: number;
}

/** A capture device of this machine. */
export interface CaptureDevice {
  /** What to give as a source. */
  readonly source: string;
  /** What its maker or the system calls it. */
  readonly title: string;
  /** Empty where it does not say, or can't be asked now. */
  readonly modes: readonly DeviceMode[];
}

/** The cameras of this machine: V4L2 on Linux, AVFoundation on macOS, DirectShow on Windows. */
export async function listDevices(): Promise<CaptureDevice[]> {
  const format = av.Device.getVideoFormat();
  const known = await av.Device.list().catch(() => []);
  const found = known
    .filter(({ type }) => type === 'video')
    .map(({ name, description }) => ({ name, title: description || name }));
  if (format === 'v4l2') {
    for (const each of await videoNodes()) if (!found.some(({ name }) => name === each.name)) found.push(each);
  }
  return Promise.all(
    found.map(async ({ name, title }): Promise<CaptureDevice> => {
      return { source: sourceOf(format, name), title, modes: await modesOf(name) };
    }),
  );
}

function sourceOf(format: string, name: string): string {
  if (format === 'v4l2' && /^\/dev\/video\d+$/.test(name)) return name;
  return format === 'dshow' && !name.startsWith('video=') ? `dshow:video=${name}` : `${format}:${name}`;
}

/** What Linux lists, also where a device is busy or may not be opened. */
async function videoNodes(): Promise<{ name: string; title: string }[]> {
  const folder = '/sys/class/video4linux';
  const nodes = await readdir(folder).catch(() => []);
  const named = nodes
    .filter((node) => /^video\d+$/.test(node))
    .sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)))
    .map(async (node) => {
      const title = await readFile(`${folder}/${node}/name`, 'utf8').catch(() => node);
      return { name: `/dev/${node}`, title: title.trim() };
    });
  return Promise.all(named);
}

async function modesOf(name: string): Promise<DeviceMode[]> {
  const modes = await av.Device.modes(name).catch(() => []);
  const seen = new Map<string, DeviceMode>();
  for (const { width, height, maxFrameRate } of modes) {
    const rate = Math.round(maxFrameRate * 100) / 100;
    const key = `${width}x${height}`;
    const before = seen.get(key);
    if (!before || before.rate < rate) seen.set(key, { width, height, rate });
  }
  return [...seen.values()].sort((a, b) => b.width * b.height - a.width * a.height);
}
