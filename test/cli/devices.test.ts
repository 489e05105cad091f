import { describe, expect, it } from 'vitest';
import { devicesCommand } from '../../src/cli/devices.js';
import { parseSource } from '../../src/live/source/address.js';
import type { CaptureDevice } from '../../src/live/source/devices.js';
import { stdoutOf } from '../support/output.js';

describe('deblur devices', () => {
  it('lists what can be given as a source', async () => {
    const text = await stdoutOf(() => devicesCommand().parseAsync(['--json'], { from: 'user' }));
    for (const { source } of JSON.parse(text) as CaptureDevice[]) {
      expect(parseSource(source, { origin: 'owner', allowPrivate: true }).kind).toBe('device');
    }
  });

  it('tells people of the sources that are no devices', async () => {
    const text = await stdoutOf(() => devicesCommand().parseAsync([], { from: 'user' }));
    expect(text).toContain('browser');
  });
});
