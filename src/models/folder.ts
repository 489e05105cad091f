import envPaths from 'env-paths';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The folder of installed checkpoints: `DEBLUR_MODELS` where that is set, else `models` in the platform's
 * folder for this program's data.
 */
function modelsFolder(): string {
  const override = process.env['DEBLUR_MODELS'];
  if (override) return override;
  return join(envPaths('deblur-stream', { suffix: '' }).data, 'models');
}

/** Where a model's checkpoint lies once it is installed. */
export function installedPath(name: string): string {
  return join(modelsFolder(), `${name}.safetensors`);
}

/** A model's installed checkpoint, if there is one. */
export function locateInstalled(name: string): string | undefined {
  const path = installedPath(name);
  return existsSync(path) ? path : undefined;
}
