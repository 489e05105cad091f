import { listProviders, provenOnce, requireProvider } from './provider.js';

/** Accelerators that `auto` tries, the fastest first. WebGPU is left to be asked for: it may be a software renderer. */
const accelerators = ['cuda', 'coreml', 'dml'];

/**
 * The execution provider to use: the one asked for, once it has proven itself, or for `auto` the first
 * accelerator that does, else the CPU.
 * @throws DeblurError `PROVIDER_UNAVAILABLE` when the one asked for does not work.
 */
export async function chooseProvider(asked: string, signal?: AbortSignal): Promise<string> {
  const options = { signal };
  if (asked !== 'auto') {
    await requireProvider(asked, options);
    return asked;
  }
  const known = listProviders().map(({ name }) => name);
  for (const name of accelerators.filter((each) => known.includes(each))) {
    if ((await provenOnce(name, options)).available) return name;
  }
  return 'cpu';
}
