import { Command } from 'commander';
import type { CaptureDevice } from '../live/source/devices.js';

/** Modes of a device that are shown. */
const shownModes = 6;

function describeDevice({ source, title, modes }: CaptureDevice): string {
  const rows = modes
    .slice(0, shownModes)
    .map(({ width, height, rate }) => `  ${width}x${height} at ${rate} frames/s\n`);
  if (modes.length > shownModes) rows.push(`  and ${modes.length - shownModes} smaller ones\n`);
  return `${source}  ${title}\n${rows.join('')}`;
}

async function devices({ json = false }: { json?: boolean }): Promise<void> {
  // Only here: it loads FFmpeg's libraries.
  const { listDevices } = await import('../live/source/devices.js');
  const found = await listDevices();
  if (json) {
    process.stdout.write(`${JSON.stringify(found, undefined, 2)}\n`);
    return;
  }
  const none = 'There is no capture device on this machine.\n';
  const other = 'A browser\'s camera is "browser"; network cameras are named by their address.\n';
  process.stdout.write(`${found.length > 0 ? found.map(describeDevice).join('\n') : none}\n${other}`);
}

/** `deblur devices` */
export function devicesCommand(): Command {
  return new Command('devices')
    .description('list the cameras of this machine, as sources for "deblur serve"')
    .option('--json', 'print JSON')
    .action(devices);
}
