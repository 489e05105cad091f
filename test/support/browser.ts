import packed from '@sparticuz/chromium';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type BrowserContextOptions } from 'playwright-core';

/** Options of {@link openBrowser}. */
export interface BrowserOptions extends BrowserContextOptions {
  /** A `.y4m` or `.mjpeg` file that Chromium's fake camera plays. Default: no camera. */
  camera?: string;
}

/** A real Chromium, out of an npm package, with a profile of its own. */
export interface TestBrowser extends AsyncDisposable {
  readonly context: BrowserContext;
  /** What went wrong on its pages: console errors, exceptions, and breaches of the content security policy. */
  readonly complaints: string[];
}

/** Starts Chromium; it is closed and its profile removed when the browser is disposed. */
export async function openBrowser({ camera, ...options }: BrowserOptions = {}): Promise<TestBrowser> {
  const profile = await mkdtemp(join(tmpdir(), 'deblur-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: await packed.executablePath(),
    headless: true,
    args: [
      '--no-sandbox',
      '--autoplay-policy=no-user-gesture-required',
      ...(camera === undefined
        ? []
        : [
            '--use-fake-ui-for-media-stream',
            '--use-fake-device-for-media-stream',
            `--use-file-for-fake-video-capture=${camera}`,
          ]),
    ],
    viewport: { width: 1280, height: 800 },
    ...options,
  });
  context.setDefaultTimeout(10_000);
  const complaints: string[] = [];
  context.on('console', (message) => {
    // Chromium reports every attempt to reconnect that fails.
    const expected = message.text().startsWith('WebSocket connection to');
    if (message.type() === 'error' && !expected) complaints.push(message.text());
  });
  context.on('weberror', (error) => complaints.push(error.error().message));
  return {
    context,
    complaints,
    async [Symbol.asyncDispose]() {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}
