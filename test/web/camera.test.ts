/// <reference lib="dom" />
import { writeFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LiveServer } from '../../src/serve/index.js';
import type { TestBrowser } from '../support/browser.js';
import { lumasOf, openCameraBrowser, type CameraBrowser } from '../support/camera-browser.js';
import { fixture } from '../support/fixtures.js';
import { PaintedFeed } from '../support/live-feed.js';
import { serverLog } from '../support/server-log.js';

const token = 'a-token-for-the-tests-only';
const clip = fixture('clips/mountain-sharp.mp4');

let opened: CameraBrowser;
let browser: TestBrowser;

beforeAll(async () => {
  opened = await openCameraBrowser(clip);
  ({ browser } = opened);
});

afterAll(async () => {
  await opened[Symbol.asyncDispose]();
});

async function openServer(feed: PaintedFeed, port = 0): Promise<LiveServer> {
  const { page } = opened;
  return LiveServer.open({ feed, camera: true, source: 'a viewer’s camera', port, token, page, log: serverLog });
}

/** Mean absolute difference of a picture and the nearest of others. */
function nearest(picture: Uint8Array, others: readonly Uint8Array[]): number {
  const differences = others.map(
    (other) => picture.reduce((sum, value, i) => sum + Math.abs(value - (other[i] ?? 0)), 0) / picture.length,
  );
  return Math.min(...differences);
}

async function start(page: Page, server: LiveServer): Promise<void> {
  await page.goto(server.link);
  const panel = page.getByRole('region', { name: 'Camera' });
  await panel.getByRole('button', { name: 'Use this camera' }).click();
  await panel.getByText('This camera is being sent.').waitFor();
}

test.each([
  { way: 'WebCodecs', kind: 'chunks', extension: 'h264' },
  { way: 'MediaRecorder', kind: 'container', extension: 'webm' },
] as const)('the camera is sent with $way, and what comes is what it saw', async ({ kind, extension }) => {
  await using feed = await PaintedFeed.open();
  await using server = await openServer(feed);
  const page = await browser.context.newPage();
  // A browser without WebCodecs.
  if (kind === 'container') await page.addInitScript(() => Reflect.deleteProperty(globalThis, 'VideoEncoder'));
  await start(page, server);
  await expect.poll(() => feed.camera.chunks.length, { timeout: 10_000 }).toBeGreaterThan(30);
  expect(feed.camera.formats.map((format) => format.kind)).toEqual([kind]);
  const { chunks } = feed.camera;
  expect(chunks[0]?.keyframe).toBe(true);
  for (const [i, { timestamp = NaN }] of chunks.entries()) {
    if (i > 0) expect(timestamp).toBeGreaterThan(chunks[i - 1]?.timestamp ?? NaN);
  }
  await page.getByRole('button', { name: 'Stop the camera' }).click();
  await expect.poll(() => feed.camera.ended).toBe(1);
  await page.close();

  const sent = opened.scratch.path(`sent.${extension}`);
  await writeFile(sent, Buffer.concat(chunks.map(({ data }) => data)));
  const [seen, truth] = [await lumasOf(sent), await lumasOf(clip)];
  expect(seen.length).toBeGreaterThan(25);
  for (const picture of seen.slice(10)) expect(nearest(picture, truth)).toBeLessThan(6);
  expect(browser.complaints).toEqual([]);
});

test('the camera goes on by itself after the server was away', async () => {
  await using feed = await PaintedFeed.open();
  const server = await openServer(feed);
  const { url } = server;
  const page = await browser.context.newPage();
  await start(page, server);
  await expect.poll(() => feed.camera.chunks.length).toBeGreaterThan(3);
  await server.close();
  await page.getByText('Waiting for the server.').waitFor();
  await using again = await PaintedFeed.open();
  await using other = await openServer(again, Number(new URL(url).port));
  await expect.poll(() => again.camera.chunks.length, { timeout: 10_000 }).toBeGreaterThan(3);
  expect(again.camera.chunks[0]?.keyframe).toBe(true);
  expect(other.url).toBe(url);
  await page.close();
});

test('says what to do when the camera is not allowed, and when there is none', async () => {
  await using feed = await PaintedFeed.open();
  await using server = await openServer(feed);
  for (const [name, text] of [
    ['NotAllowedError', /was not allowed\. Allow it beside the page’s address/],
    ['NotFoundError', /There is no camera on this device/],
    ['NotReadableError', /in use by another program/],
  ] as const) {
    const page = await browser.context.newPage();
    await page.addInitScript((error) => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', error));
    }, name);
    await page.goto(server.link);
    // The panel's: the one over the picture goes when the first picture comes.
    const use = page.getByRole('region', { name: 'Camera' }).getByRole('button', { name: 'Use this camera' });
    await use.click();
    await page.getByText(text).waitFor();
    expect(await use.isEnabled()).toBe(true);
    await page.close();
  }
  expect(feed.camera.formats).toEqual([]);
});
