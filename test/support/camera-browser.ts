import { openVideo } from '../../src/io/index.js';
import { openBrowser, type TestBrowser } from './browser.js';
import { writeCameraClip } from './camera-clip.js';
import { packed } from './frames.js';
import { scratchFolder } from './io.js';
import { buildPage } from './page.js';

/** A browser whose camera plays a clip, and the page for it. */
export interface CameraBrowser extends AsyncDisposable {
  readonly browser: TestBrowser;
  /** The folder of the built page. */
  readonly page: string;
  readonly scratch: Awaited<ReturnType<typeof scratchFolder>>;
}

/** Builds the page and starts Chromium with a fake camera. */
export async function openCameraBrowser(clip: string): Promise<CameraBrowser> {
  const built = await buildPage();
  const scratch = await scratchFolder();
  const camera = scratch.path('camera.y4m');
  await writeCameraClip(clip, camera);
  const browser = await openBrowser({ camera });
  return {
    ...{ browser, page: built.folder, scratch },
    async [Symbol.asyncDispose]() {
      await browser[Symbol.asyncDispose]();
      await scratch.remove();
      await built[Symbol.asyncDispose]();
    },
  };
}

/** Luma planes of a video's frames, without padding. */
export async function lumasOf(path: string): Promise<Uint8Array[]> {
  await using reader = await openVideo(path);
  const planes: Uint8Array[] = [];
  for await (const frame of reader.frames()) {
    using held = frame;
    planes.push(packed(held)[0] ?? new Uint8Array());
  }
  return planes;
}
