import os from 'node:os';
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { satisfiesMinimum, systemFacts } from '../../../src/runtime/doctor/system.js';

describe('satisfiesMinimum', () => {
  it.each([
    ['20.19.0', true],
    ['20.19', true],
    ['20.20.2', true],
    ['22.0.0', true],
    ['100.1.0', true],
    ['20.18.9', false],
    ['20.9.0', false],
    ['18.99.0', false],
  ])('%s against >=20.19', (version, expected) => {
    expect(satisfiesMinimum(version, '>=20.19')).toBe(expected);
  });
});

describe('systemFacts', () => {
  it('looks at this machine', async () => {
    const { node, platform, cpu, memory, disks } = await systemFacts();
    expect(node).toEqual({ version: process.versions.node, required: '>=20.19', supported: true });
    expect(platform).toMatchObject({ name: process.platform, arch: process.arch });
    expect(cpu.threads).toBe(os.availableParallelism());
    expect(memory.total).toBe(os.totalmem());
    expect(memory.available).toBeGreaterThan(0);
    if (memory.limit !== undefined) expect(memory.limit).toBeLessThan(memory.total);
    expect(disks[0]).toEqual({ folder: process.cwd(), free: expect.any(Number) as number });
  });
});
