import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { lightestModel } from '../../src/models/catalogue.js';
import { packagePath } from '../../src/package-root.js';
import { openBrowser } from '../../test/support/browser.js';
import { CodedCamera } from '../../test/support/coded-camera.js';
import { readCodes } from '../../test/support/page-codes.js';
import { makeClip } from '../clip.js';
import type { Figure } from '../figure.js';

const [width, height, rate] = [640, 360, 25];
/** Frames that are looked at, after the controller has had its time. */
const seconds = 20;
const settling = 15;
const asked = 300;
/** At full size, or with `DEBLUR_BENCH_CONTROLLED=1` at whatever size the controller finds. */
const fixed = process.env['DEBLUR_BENCH_CONTROLLED'] === '1' ? [] : ['--fixed'];

/** `deblur serve` of the build, as a user starts it. */
async function startServer(
  source: string,
  args: readonly string[],
): Promise<{ link: string; stop: () => Promise<void> }> {
  const command = [packagePath('dist/bin/deblur.js'), 'serve', source, '--port', '0', ...args];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'ignore'] });
  const [link] = (await Promise.race([
    once(createInterface(child.stdout), 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error('deblur serve ended'))),
  ])) as [string];
  const stop = async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  return { link, stop };
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/**
 * Latency from a camera to the page: a camera on this machine draws the time into each picture before it encodes it, and the
 * page's canvas is read at every repaint. Camera, server and browser share the machine and its clock.
 */
export async function liveLatency(folder: string): Promise<Figure> {
  await using camera = await CodedCamera.open(await makeClip(folder, { width, height, frames: 100 }), rate);
  const server = await startServer(camera.url, ['--model', lightestModel, '--size', `${width}x${height}`, ...fixed]);
  try {
    await using browser = await openBrowser();
    const page = await browser.context.newPage();
    await page.goto(server.link);
    await page.locator('#status[data-tone="good"]').waitFor({ timeout: 60_000 });
    await page.waitForTimeout(settling * 1000);
    const begun = Date.now();
    const codes = await readCodes(page, { width, height, frames: seconds * rate });
    const taken = (Date.now() - begun) / 1000;
    const ages = codes.map(({ result, time }) => ((time >>> 0) - result) >>> 0).sort((a, b) => a - b);
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(ages, share)) as [number, number, number];
    const facts = (await page.locator('#facts').innerText()).replaceAll('\n', ' ');
    const figures = await page.locator('#figure-latency').innerText();
    return {
      name: `Live latency, ${width}x${height} at ${rate} frames/s, model ${lightestModel}${fixed.length > 0 ? ' at full size' : ''}, camera to canvas on loopback`,
      asked: `95 % below ${asked} ms`,
      reached: `p50 ${p50} ms, p95 ${p95} ms, p99 ${p99} ms over ${ages.length} frames`,
      met: p95 < asked,
      details: [
        `${(codes.length / taken).toFixed(1)} frames/s shown, ${codes.filter(({ original, result }) => original !== result).length} frames whose halves differed`,
        `the page said: ${figures.replaceAll('\n', ' ')}; ${facts}`,
      ],
    };
  } finally {
    await server.stop();
  }
}
