import { packagePath } from '../../src/package-root.js';

/** Path of a file below test/fixtures. */
export function fixture(name: string): string {
  return packagePath('test/fixtures', name);
}
