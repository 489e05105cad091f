import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { DeblurError } from '../errors.js';

function alreadyThere(file: string): DeblurError {
  return new DeblurError('OUTPUT_EXISTS', `${file} exists already.`, { hint: 'Add --overwrite to replace it.' });
}

/**
 * Says before the work rather than after it that a report is there already.
 *
 * @param files what is no name of a file (`--json` without one) is passed over.
 * @throws DeblurError `OUTPUT_EXISTS`.
 */
export function refuseExisting(files: readonly (string | true | undefined)[], overwrite: boolean): void {
  for (const file of files) {
    if (typeof file === 'string' && !overwrite && existsSync(file)) throw alreadyThere(file);
  }
}

/**
 * Writes a report.
 * @throws DeblurError `OUTPUT_EXISTS`, `OUTPUT_UNWRITABLE`.
 */
export async function writeReport(file: string, text: string, overwrite: boolean): Promise<void> {
  try {
    await writeFile(file, text, { flag: overwrite ? 'w' : 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw alreadyThere(file);
    throw new DeblurError('OUTPUT_UNWRITABLE', `${file} cannot be written: ${(cause as Error).message}.`, { cause });
  }
}
