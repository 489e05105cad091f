import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import { packagePath } from '../../src/package-root.js';

/** The page, built from its sources into a folder of its own. */
export interface BuiltPage extends AsyncDisposable {
  readonly folder: string;
}

/** Builds the page as `npm run build` does. The folder is removed when it is disposed. */
export async function buildPage(): Promise<BuiltPage> {
  const folder = await mkdtemp(join(tmpdir(), 'deblur-page-'));
  await build({
    configFile: packagePath('web/vite.config.ts'),
    logLevel: 'error',
    build: { outDir: folder, emptyOutDir: true, minify: false },
  });
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
