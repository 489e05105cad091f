/// <reference lib="dom" />
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LiveSession, type LiveOptions } from '../../src/live/index.js';
import { LiveServer } from '../../src/serve/index.js';
import type { TestBrowser } from '../support/browser.js';
import { lumasOf, openCameraBrowser, type CameraBrowser } from '../support/camera-browser.js';
import { CodedCamera } from '../support/coded-camera.js';
import { fixture } from '../support/fixtures.js';
import { readCodes } from '../support/page-codes.js';
import { serverLog } from '../support/server-log.js';

const token = 'a-token-for-the-tests-only';
const clip = fixture('clips/mountain-blurry.mp4');
const [width, height] = [320, 192];

let opened: CameraBrowser;
let browser: TestBrowser;

beforeAll(async () => {
  opened = await openCameraBrowser(clip);
  ({ browser } = opened);
});

afterAll(async () => {
  await opened[Symbol.asyncDispose]();
});

/** A real session, its server, and a page. */
async function show(options: LiveOptions): Promise<{ page: Page } & AsyncDisposable> {
  const feed = await LiveSession.open({ fixed: true, ...options });
  const camera = options.source === 'browser';
  const served = { feed, camera, source: 'a clip', page: opened.page, token, port: 0, log: serverLog };
  const server = await LiveServer.open(served);
  const page = await browser.context.newPage();
  await page.goto(server.link);
  return {
    page,
    async [Symbol.asyncDispose]() {
      await page.close();
      await server.close();
      await feed.close();
    },
  };
}

async function live(page: Page): Promise<void> {
  await page.locator('#status[data-tone="good"]').waitFor({ timeout: 30_000 });
  await page.locator('#cover').waitFor({ state: 'hidden' });
}

/** Luma of the page's two pictures at one moment, roughly as video has it. */
async function lumas(page: Page): Promise<{ original: number[]; result: number[] }> {
  return page.evaluate(() => {
    const read = (name: string) => {
      const canvas = document.getElementById(name);
      const pen = canvas instanceof HTMLCanvasElement ? canvas.getContext('2d') : null;
      if (!pen) throw new TypeError('no canvas');
      const { data } = pen.getImageData(0, 0, pen.canvas.width, pen.canvas.height);
      return Array.from({ length: data.length / 4 }, (_, i) => {
        const [red = 0, green = 0, blue = 0] = data.subarray(i * 4, i * 4 + 3);
        return 16 + (219 / 255) * (0.2126 * red + 0.7152 * green + 0.0722 * blue);
      });
    };
    return { original: read('original'), result: read('result') };
  });
}

function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += Math.abs((a[i] ?? 0) - (b[i] ?? 0));
  return sum / a.length;
}

// The encoder's own error is small at this quality.
test('a file, deblurred: the left is the source, the right is not, until the strength is 0', async () => {
  await using shown = await show({ source: clip, loop: true, model: 'light-live', crf: 4 });
  const { page } = shown;
  await live(page);
  const truth = await lumasOf(clip);
  const { original } = await lumas(page);
  expect(Math.min(...truth.map((plane) => difference(original, plane)))).toBeLessThan(4);
  const change = async () => {
    const now = await lumas(page);
    return difference(now.original, now.result);
  };
  await expect.poll(change, { timeout: 10_000 }).toBeGreaterThan(0.4);
  await page.getByRole('slider', { name: 'Strength' }).fill('0');
  await expect.poll(change, { timeout: 10_000 }).toBeLessThan(0.2);
  expect(browser.complaints).toEqual([]);
});

test('the page’s own camera goes up, through the network, and comes back', async () => {
  await using shown = await show({ source: 'browser', model: 'light-live' });
  const { page } = shown;
  await page.getByRole('heading', { name: 'Use your camera' }).waitFor();
  await page.locator('#cover').getByRole('button', { name: 'Use this camera' }).click();
  await page.getByText('Live, from this camera').waitFor({ timeout: 30_000 });
  const truth = await lumasOf(clip);
  const { original } = await lumas(page);
  expect(original.length).toBe(width * height);
  expect(Math.min(...truth.map((plane) => difference(original, plane)))).toBeLessThan(8);
  await page.getByRole('button', { name: 'Stop the camera' }).click();
  await page
    .getByRole('heading', { name: /camera|source/i })
    .first()
    .waitFor();
  expect(browser.complaints).toEqual([]);
});

test('a network camera’s pictures are seen soon, both halves at once', async () => {
  await using camera = await CodedCamera.open(clip, 25);
  await using shown = await show({ source: camera.url, model: 'none' });
  const { page } = shown;
  await live(page);
  await readCodes(page, { width, height, frames: 25 });
  const codes = await readCodes(page, { width, height, frames: 25 });
  for (const { original, result } of codes) expect(result).toBe(original);
  const ages = codes.map(({ original, time }) => ((time >>> 0) - original) >>> 0).sort((a, b) => a - b);
  // On a quiet machine it is a tenth of this; bench/live measures it.
  expect(ages[12]).toBeLessThan(2000);
  expect(ages[0]).toBeGreaterThan(5);
});
