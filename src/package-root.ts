import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

const root = findRoot();

/** A path inside this package, the same from sources and from the build. */
export function packagePath(...parts: string[]): string {
  return join(root, ...parts);
}

/** What this package's package.json says of itself. */
export const manifest = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as {
  readonly version: string;
  readonly engines: { readonly node: string };
};
