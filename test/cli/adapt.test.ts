import { spawn } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packagePath } from '../../src/package-root.js';
import { deblur, type Ended } from '../support/command.js';
import { fixture } from '../support/fixtures.js';
import { scratchFolder } from '../support/io.js';

const [soft, crisp] = [fixture('clips/mountain-blurry.mp4'), fixture('clips/mountain-sharp.mp4')];
const vgg = fixture('parity/blur2blur-losses/vgg16_tiny.pth');

let scratch: Awaited<ReturnType<typeof scratchFolder>>;
beforeAll(async () => {
  scratch = await scratchFolder();
});
afterAll(() => scratch.remove());

/** Runs the built command and presses Ctrl-C when it has said something. */
function interrupted(args: readonly string[], said: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [packagePath('dist/bin/deblur.js'), ...args]);
    let [stdout, stderr, pressed] = ['', '', false];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      if (pressed || !stderr.includes(said)) return;
      pressed = true;
      child.kill('SIGINT');
    });
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
}

describe('deblur adapt', () => {
  it('is stopped by Ctrl-C, goes on, and says how to use what it made', async () => {
    const out = scratch.path('own');
    const command = [
      ...['adapt', soft, crisp, '--for', 'light', '--vgg', vgg, '--out', out, '--least', '4', '--step', '2'],
      ...['--steps', '2', '--base-channels', '4', '--pictures', '4', '--provider', 'cpu'],
    ];
    const stopped = await interrupted(command, 'Training');
    expect(stopped).toMatchObject({ code: 130, stdout: '' });
    expect(stopped.stderr).toContain('the same command goes on from there');

    const { code, stdout, stderr } = await deblur(command);
    expect(code).toBe(0);
    expect(stderr).toContain('A translator for light');
    expect(stderr).not.toContain('Looking for blurry and sharp frames');
    expect(stdout).toMatch(/^5 frames of the footage +sharpness +flicker +likeness \(dB\) +ms\/frame$/m);
    expect(stdout).toMatch(/^translator > light +\d\.\d{3} +\d+\.\d\d +\d\d\.\d\d +\d+\.\d$/m);
    expect(stdout).toContain(`deblur run --translate ${out}/translator.safetensors --model light in.mp4 out.mp4`);
    expect(await fs.readdir(out)).toEqual(
      expect.arrayContaining(['adapt.json', 'recipe.json', 'report.html', 'report.json', 'translator.safetensors']),
    );
  }, 400_000);

  it('says where weights of a VGG come from, and what is wrong with footage', async () => {
    const without = await deblur(['adapt', soft, '--for', 'light', '--out', scratch.path('none')]);
    expect(without.code).toBe(2);
    expect(without.stderr).toContain('pip download');
    const sharp = await deblur(['adapt', crisp, '--for', 'light', '--vgg', vgg, '--out', scratch.path('sharp')]);
    expect(sharp.code).toBe(1);
    expect(sharp.stderr).toMatch(/too few blurry frames: 0 of \d+ could be taken, 24 are needed\.\nAdd clips/);
  });
});
