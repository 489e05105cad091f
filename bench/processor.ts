import { existsSync, readFileSync } from 'node:fs';

/** Whether the processor has AVX-512; where Linux does not tell, it is taken to. */
export function hasAvx512(): boolean {
  const file = '/proc/cpuinfo';
  return !existsSync(file) || /\bavx512f\b/.test(readFileSync(file, 'utf8'));
}
