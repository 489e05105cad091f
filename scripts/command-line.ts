import { spawn } from 'node:child_process';
import { packagePath } from '../src/package-root.js';

/** Runs the command line as a user does. */
export async function runDeblur(...args: string[]): Promise<void> {
  console.log(`\n$ deblur ${args.join(' ')}`);
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(process.execPath, [packagePath('dist/bin/deblur.js'), ...args], { stdio: 'inherit' });
    child.on('error', reject).on('close', resolve);
  });
  if (code !== 0) throw new Error(`deblur ${args[0]} ended with ${code}; run the script again to go on.`);
}
