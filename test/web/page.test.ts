/// <reference lib="dom" />
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { openVideo } from '../../src/io/index.js';
import { LiveServer } from '../../src/serve/index.js';
import { openBrowser, type TestBrowser } from '../support/browser.js';
import { readCodes } from '../support/page-codes.js';
import { scratchFolder } from '../support/io.js';
import { fixture } from '../support/fixtures.js';
import { PaintedFeed } from '../support/live-feed.js';
import { serverLog } from '../support/server-log.js';
import { buildPage, type BuiltPage } from '../support/page.js';
import { pixelAt } from '../support/screenshot.js';

const token = 'a-token-for-the-tests-only';
const orange = [255, 138, 43];
const blue = [20, 93, 214];
const [width, height] = [320, 180];

let built: BuiltPage;
let browser: TestBrowser;

beforeAll(async () => {
  built = await buildPage();
  browser = await openBrowser({ colorScheme: 'dark' });
});

afterEach(() => {
  browser.complaints.length = 0;
});

afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await built[Symbol.asyncDispose]();
});

/** A server with a painted feed, and a page that shows it. */
interface Shown extends AsyncDisposable {
  readonly feed: PaintedFeed;
  readonly page: Page;
  readonly root: Awaited<ReturnType<typeof scratchFolder>>;
  readonly port: number;
  server: LiveServer;
}

async function openServer(feed: PaintedFeed, root: string, port = 0): Promise<LiveServer> {
  return LiveServer.open({ feed, root, port, token, page: built.folder, source: 'a painted clip', log: serverLog });
}

/** How the page decodes: with WebCodecs, or in a video element where there is none. */
const decoders = ['webcodecs', 'video'] as const;

interface ShowOptions {
  hash?: string;
  context?: BrowserContextOptions;
  decoder?: (typeof decoders)[number];
}

async function show(options: ShowOptions = {}): Promise<Shown> {
  const root = await scratchFolder();
  const feed = await PaintedFeed.open({ width, height });
  const server = await openServer(feed, root.path(''));
  const page = await browser.context.newPage();
  if (options.context?.viewport) await page.setViewportSize(options.context.viewport);
  if (options.decoder === 'video') await page.addInitScript(() => Reflect.deleteProperty(globalThis, 'VideoDecoder'));
  await page.goto(`${server.url}/${options.hash ?? `#token=${token}`}`);
  const shown: Shown = {
    ...{ feed, server, page, root, port: Number(new URL(server.url).port) },
    async [Symbol.asyncDispose]() {
      await page.close();
      await shown.server.close();
      await feed[Symbol.asyncDispose]();
      await root.remove();
    },
  };
  return shown;
}

async function live(page: Page): Promise<void> {
  expect(browser.complaints).toEqual([]);
  await page.locator('#status[data-tone="good"]').waitFor();
  await page.locator('#cover').waitFor({ state: 'hidden' });
}

/** The colour that is seen at a place of the picture, in shares of its size. */
async function seen(page: Page, x: number, y = 0.2): Promise<number[]> {
  return pixelAt(await page.locator('#picture').screenshot(), x, y);
}

function close(actual: readonly number[], expected: readonly number[]): boolean {
  return actual.every((value, i) => Math.abs(value - (expected[i] ?? 0)) < 14);
}

describe('the picture', () => {
  test.each(decoders)('both halves are of the same frame, and frames go on: %s', async (decoder) => {
    await using shown = await show({ decoder });
    await live(shown.page);
    expect(await shown.page.evaluate(() => document.documentElement.dataset['decoder'])).toBe(decoder);
    const codes = await readCodes(shown.page, { width, height, frames: 40 });
    for (const { original, result } of codes) expect(result).toBe(original);
    for (const [i, { original }] of codes.entries()) {
      if (i > 0) expect(original).toBeGreaterThan(codes[i - 1]?.original ?? Infinity);
    }
    // Newest frames are shown: the last one is a fraction of a second old.
    expect((codes.at(-1)?.original ?? 0) + 15).toBeGreaterThan(shown.feed.currentStatistics().framesOut - 2);
    expect(browser.complaints).toEqual([]);
  });

  test('the divider follows the mouse, the finger and the keyboard to the pixel', async () => {
    await using shown = await show();
    const { page } = shown;
    await live(page);
    expect(close(await seen(page, 0.45), orange)).toBe(true);
    expect(close(await seen(page, 0.55), blue)).toBe(true);

    const box = await page.locator('#picture').boundingBox();
    if (!box) throw new Error('the picture is not shown');
    await page.mouse.move(box.x + box.width / 2, box.y + box.height * 0.8);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.75, box.y + box.height * 0.8, { steps: 5 });
    await page.mouse.up();
    expect(close(await seen(page, 0.74), orange)).toBe(true);
    expect(close(await seen(page, 0.76), blue)).toBe(true);
    const slider = page.getByRole('slider', { name: 'Divider between original and deblurred' });
    expect(await slider.getAttribute('aria-valuenow')).toBe('75');
    // Once released, the mouse moves nothing.
    await page.mouse.move(box.x + 10, box.y + 10);
    expect(await slider.getAttribute('aria-valuenow')).toBe('75');

    await slider.focus();
    for (const [key, percent] of [
      ['ArrowLeft', 74],
      ['ArrowRight', 75],
      ['PageDown', 65],
      ['Home', 0],
      ['End', 100],
      ['PageUp', 100],
      ['PageDown', 90],
    ] as const) {
      await page.keyboard.press(key);
      expect(await slider.getAttribute('aria-valuenow'), key).toBe(String(percent));
    }
    expect(await slider.getAttribute('aria-valuetext')).toBe('90 % original');
    expect(close(await seen(page, 0.89), orange)).toBe(true);
    expect(close(await seen(page, 0.91), blue)).toBe(true);

    const touch = await browser.context.newCDPSession(page);
    const at = (share: number) => [{ x: box.x + box.width * share, y: box.y + box.height * 0.6 }];
    await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: at(0.5) });
    await touch.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: at(0.4) });
    await touch.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: at(0.25) });
    await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    expect(await slider.getAttribute('aria-valuenow')).toBe('25');
    expect(close(await seen(page, 0.24), orange)).toBe(true);
    expect(close(await seen(page, 0.26), blue)).toBe(true);
  });

  test('side by side shows both whole, the result alone only itself', async () => {
    await using shown = await show();
    const { page } = shown;
    await live(page);
    await page.keyboard.press('2');
    for (const x of [0.02, 0.48]) expect(close(await seen(page, x), orange)).toBe(true);
    for (const x of [0.52, 0.98]) expect(close(await seen(page, x), blue)).toBe(true);
    await page.getByRole('radio', { name: 'Result' }).check();
    for (const x of [0.02, 0.98]) expect(close(await seen(page, x, 0.3), blue)).toBe(true);
    await page.getByRole('radio', { name: 'Slider' }).check();
    expect(close(await seen(page, 0.02, 0.3), orange)).toBe(true);
  });

  test('the lens enlarges both at the pointer, and moves by keys', async () => {
    await using shown = await show();
    const { page } = shown;
    await live(page);
    await page.keyboard.press('z');
    expect(await page.getByRole('button', { name: 'Lens' }).getAttribute('aria-pressed')).toBe('true');
    const box = await page.locator('#picture').boundingBox();
    if (!box) throw new Error('the picture is not shown');
    // On the right of the divider everything is blue, but for the left half of the lens.
    await page.mouse.move(box.x + box.width * 0.8, box.y + box.height * 0.2);
    const half = 50 / box.width;
    expect(close(await seen(page, 0.8 - half), orange)).toBe(true);
    expect(close(await seen(page, 0.8 + half), blue)).toBe(true);
    for (let i = 0; i < 5; i += 1) await page.keyboard.press('Shift+ArrowLeft');
    expect(close(await seen(page, 0.7 - half), orange)).toBe(true);
    expect(close(await seen(page, 0.7 + half), blue)).toBe(true);
    await page.keyboard.press('z');
    expect(close(await seen(page, 0.7 - half), blue)).toBe(true);
  });

  test('full screen is the stage, and back', async () => {
    await using shown = await show();
    const { page } = shown;
    await live(page);
    await page.getByRole('button', { name: 'Full screen' }).click();
    await page.getByRole('button', { name: 'Leave full screen' }).waitFor();
    expect(await page.evaluate(() => document.fullscreenElement?.id)).toBe('stage');
    await page.keyboard.press('f');
    await page.getByRole('button', { name: 'Full screen', exact: true }).waitFor();
  });
});

describe('the connection', () => {
  test.each(decoders)('comes back by itself, to a stream that begins anew: %s', async (decoder) => {
    await using shown = await show({ decoder });
    const { page, port, root } = shown;
    await live(page);
    await shown.server.close();
    await page.getByRole('heading', { name: 'Reconnecting' }).waitFor();
    // The last picture stays behind the message.
    expect(await page.locator('#picture').isVisible()).toBe(true);
    await using other = await PaintedFeed.open({ width, height });
    shown.server = await openServer(other, root.path(''), port);
    await live(page);
    const codes = await readCodes(page, { width, height, frames: 10 });
    expect(codes.at(-1)?.original).toBeLessThan(other.currentStatistics().framesOut + 1);
    await shown.server.close();
  });

  test('says what the source does', async () => {
    await using shown = await show();
    const { page, feed } = shown;
    await live(page);
    const status = page.getByRole('status');
    feed.change({ source: 'reconnecting', attempt: 3, message: 'The camera does not answer.' });
    await page.getByRole('heading', { name: 'Reconnecting to the source, attempt 3' }).waitFor();
    expect(await page.locator('#cover-text').textContent()).toBe('The camera does not answer.');
    expect(await page.getByRole('button', { name: 'Snapshot' }).isDisabled()).toBe(true);
    feed.change({ source: 'failed', message: 'It is no video.' });
    await page.getByRole('heading', { name: 'The source failed' }).waitFor();
    feed.change({ source: 'ended' });
    await page.getByRole('heading', { name: 'The source has ended' }).waitFor();
    feed.change({ source: 'live' });
    await live(page);
    expect((await status.textContent())?.trim()).toBe('Live');
  });

  test('the token leaves the address, and is asked for when it is wrong', async () => {
    await using shown = await show({ hash: '#token=a-wrong-token-0123456789' });
    const { page, server } = shown;
    await page.getByRole('heading', { name: 'This server wants a token' }).waitFor();
    expect(page.url()).toBe(`${server.url}/`);
    await page.getByLabel('Access token').fill(token);
    await page.getByRole('button', { name: 'Connect' }).click();
    await live(page);
    expect(page.url()).toBe(`${server.url}/`);
    expect(await page.locator('body').innerHTML()).not.toContain(token);
    // It is kept for the tab.
    await page.reload();
    await live(page);
  });
});

describe('controls', () => {
  test('go to the server, and follow what others change', async () => {
    await using shown = await show();
    const { page, feed } = shown;
    await live(page);
    await page.getByLabel('Model').selectOption('none');
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Continue' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('slider', { name: 'Strength' }).focus();
    for (let i = 0; i < 3; i += 1) await page.keyboard.press('ArrowLeft');
    await expect.poll(() => feed.controls.at(-1)?.strength).toBe(0.97);
    expect(feed.controls.slice(0, 2)).toEqual([{ model: 'none' }, { paused: true }]);
    await page.getByRole('slider', { name: 'Divider' }).focus();
    feed.change({ strength: 0.4, model: 'light', paused: false });
    await page.getByText('40 %', { exact: true }).waitFor();
    expect(await page.getByLabel('Model').inputValue()).toBe('light');
    await page.getByRole('button', { name: 'Pause' }).waitFor();
  });

  test('figures are told of, in curves and in words', async () => {
    await using shown = await show();
    const { page } = shown;
    await live(page);
    const latency = page.locator('#figure-latency');
    await expect
      .poll(async () => latency.textContent(), { timeout: 10_000 })
      .toMatch(/^Latency\d+ms95 % below \d+ ms, 12 ms on the server$/);
    const milliseconds = Number(/Latency(\d+)ms/.exec((await latency.textContent()) ?? '')?.[1]);
    expect(milliseconds).toBeGreaterThan(0);
    expect(milliseconds).toBeLessThan(1000);
    expect(await latency.getByRole('img').getAttribute('aria-label')).toMatch(/^Latency, the last minute: now \d+ ms/);
    expect(await page.locator('#figure-dropped').textContent()).toMatch(/3 in all/);
    expect(await page.locator('#facts').textContent()).toContain('320 × 180');
  });

  test('a snapshot can be saved, original and result', async () => {
    await using shown = await show();
    const { page } = shown;
    await live(page);
    await page.keyboard.press('s');
    for (const name of ['Save original', 'Save deblurred']) {
      const download = page.waitForEvent('download');
      await page.getByRole('link', { name }).click();
      expect((await download).suggestedFilename()).toMatch(/^deblur-(original|result)-.*\.png$/);
    }
    await page.getByRole('button', { name: 'Close' }).click();
    expect(await page.locator('.notice').count()).toBe(0);
  });

  test('recordings go to the server or to this device', async () => {
    await using shown = await show();
    const { page, feed, root } = shown;
    await live(page);
    await page.keyboard.press('r');
    await page.getByRole('menuitem', { name: /To the server/ }).click();
    await page.getByRole('button', { name: 'Stop recording' }).waitFor();
    await page.keyboard.press('r');
    await expect.poll(() => feed.recordings.length).toBe(2);
    expect(feed.recordings[0]).toMatch(/\.mp4$/);
    await page.getByRole('button', { name: 'Record', exact: true }).click();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Stop recording' }).waitFor();
    await page.waitForTimeout(2200);
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Stop recording' }).click();
    const file = root.path('local.mp4');
    await (await download).saveAs(file);
    await using reader = await openVideo(file);
    expect([reader.video.width, reader.video.height]).toEqual([width, height * 2]);
    let frames = 0;
    for await (const frame of reader.frames()) {
      frame.dispose();
      frames += 1;
    }
    expect(frames).toBeGreaterThan(15);
  });
});

describe('files', () => {
  test('are sent, deblurred and fetched', async () => {
    await using shown = await show();
    const { page, root } = shown;
    await live(page);
    await page.getByRole('tab', { name: 'Files' }).click();
    await page.locator('#file').setInputFiles(fixture('clips/dogs-blurry.mp4'));
    const row = page.locator('.job', { hasText: 'dogs-blurry' });
    await row.getByText(/^Done, /).waitFor({ timeout: 60_000 });
    const download = page.waitForEvent('download');
    await row.getByRole('button', { name: /^Download/ }).click();
    const file = root.path('fetched.mp4');
    await (await download).saveAs(file);
    await using reader = await openVideo(file);
    expect(reader.video.width).toBe(256);
    await row.getByRole('button', { name: /^Remove/ }).click();
    await page.getByText('No files yet.').waitFor();
  });

  test('that are no video say why they failed', async () => {
    await using shown = await show();
    const { page } = shown;
    await live(page);
    await page.getByRole('tab', { name: 'Files' }).click();
    const buffer = Buffer.from('This is no video.');
    await page.locator('#file').setInputFiles({ name: 'notes.mp4', mimeType: 'video/mp4', buffer });
    await page.locator('.job[data-state="failed"]', { hasText: 'notes.mp4' }).waitFor();
  });
});

describe('accessibility', () => {
  test('every control has a name, and the page its landmarks', async () => {
    await using shown = await show();
    const { page } = shown;
    await live(page);
    for (const name of ['Live', 'Files']) {
      await page.getByRole('tab', { name }).click();
      const controls = page.locator(
        'button:visible, input:visible, select:visible, a:visible, [role="slider"]:visible',
      );
      for (const control of await controls.all()) {
        const tree = await control.ariaSnapshot();
        expect(tree, await control.evaluate((element) => element.outerHTML)).toMatch(/^- \w+ "[^"]+"/);
      }
    }
    for (const role of ['banner', 'main', 'complementary', 'toolbar', 'log'] as const) {
      expect(await page.getByRole(role).count(), role).toBe(1);
    }
  });

  test('tabs and the menu go by arrow keys, and focus is seen', async () => {
    await using shown = await show();
    const { page } = shown;
    await live(page);
    await page.getByRole('tab', { name: 'Live' }).focus();
    await page.keyboard.press('ArrowRight');
    expect(await page.getByRole('tab', { name: 'Files' }).getAttribute('aria-selected')).toBe('true');
    expect(await page.getByRole('tabpanel', { name: 'Files' }).isVisible()).toBe(true);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('tab-files');
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle);
    expect(outline).toBe('solid');
    await page.keyboard.press('r');
    await page.keyboard.press('Escape');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('record');
    expect(await page.getByRole('menu').count()).toBe(0);
  });

  test.each(['dark', 'light'] as const)('text can be read in the %s theme', async (colorScheme) => {
    await using shown = await show();
    const { page } = shown;
    await page.emulateMedia({ colorScheme });
    await live(page);
    expect(await page.evaluate(() => document.documentElement.dataset['theme'])).toBe(colorScheme);
    expect(await weakTexts(page)).toEqual([]);
    await page.getByRole('tab', { name: 'Files' }).click();
    expect(await weakTexts(page)).toEqual([]);
    await page.getByRole('button', { name: /^Use the (light|dark) theme$/ }).click();
    expect(await page.evaluate(() => document.documentElement.dataset['theme'])).not.toBe(colorScheme);
    await page.evaluate(() => localStorage.clear());
  });

  test('nothing moves for those who want that', async () => {
    await using shown = await show();
    const { page, feed } = shown;
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await live(page);
    feed.change({ source: 'reconnecting' });
    await page.locator('#cover-spinner').waitFor();
    const running = await page.evaluate(
      () => document.getAnimations().filter(({ playState }) => playState === 'running').length,
    );
    expect(running).toBe(0);
  });

  test('a phone shows everything without scrolling sideways', async () => {
    await using shown = await show({ context: { viewport: { width: 390, height: 844 } } });
    const { page } = shown;
    await live(page);
    const sizes = () =>
      page.evaluate(() => ({
        page: document.documentElement.scrollWidth,
        picture: document.getElementById('picture')?.getBoundingClientRect().width,
      }));
    // The picture is laid out with its first frame.
    await expect.poll(sizes, { timeout: 5000 }).toEqual({ page: 390, picture: 390 });
    for (const button of await page.locator('.tool:visible').all()) {
      const box = await button.boundingBox();
      expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThanOrEqual(44);
    }
    await page.getByRole('radio', { name: 'Side by side' }).check();
    expect(close(await seen(page, 0.5, 0.05), orange)).toBe(true);
    expect(close(await seen(page, 0.5, 0.95), blue)).toBe(true);
  });
});

/** Visible texts whose contrast to what lies behind them is below 4.5:1 (WCAG 2.2, 1.4.3); those over video are left out. */
async function weakTexts(page: Page): Promise<string[]> {
  // Transitions of colours have ended.
  await page.waitForTimeout(250);
  return page.evaluate(() => {
    const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    if (!pen) throw new TypeError('no canvas');
    /** Colours as they are painted, one over the other, from the backmost. */
    const painted = (colors: readonly string[]) => {
      for (const color of colors) {
        pen.fillStyle = color;
        pen.fillRect(0, 0, 1, 1);
      }
      const [red = 0, green = 0, blue = 0] = pen.getImageData(0, 0, 1, 1).data;
      const [r = 0, g = 0, b = 0] = [red, green, blue].map((value) => {
        const share = value / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const weak: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      const text = walker.currentNode.textContent?.trim();
      if (!element || !text || !element.checkVisibility({ visibilityProperty: true })) continue;
      if (element.closest('#picture, .unseen, .skip, :disabled')) continue;
      const backgrounds: string[] = [];
      for (let at: Element | null = element; at; at = at.parentElement) {
        backgrounds.unshift(getComputedStyle(at).backgroundColor);
      }
      const behind = painted(['#fff', ...backgrounds]);
      const ink = painted([getComputedStyle(element).color]);
      const contrast = (Math.max(ink, behind) + 0.05) / (Math.min(ink, behind) + 0.05);
      if (contrast < 4.5) weak.push(`${text}: ${contrast.toFixed(2)}`);
    }
    return weak;
  });
}
