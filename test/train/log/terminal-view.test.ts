import { describe, expect, it } from 'vitest';
import { sparkline, TrainingView, viewLine, viewLines } from '../../../src/train/log/terminal-view.js';

const progress = {
  ...{ step: 500, steps: 2000, loss: 0.25, rate: 2e-4, speed: 2.5 },
  validation: { psnr: 31.234, gain: -0.5 },
};

/** A stream that remembers, and what a terminal would show of it. */
function screen(isTTY: boolean, columns = 80) {
  const written: string[] = [];
  const stream = { isTTY, columns, write: (text: string) => written.push(text) };
  const shown = () => {
    const rows: string[] = [''];
    for (const part of written
      .join('')
      .replaceAll('\x1b', '\u241b')
      .split(/(\u241b\[\d*[AJ]|\n)/)) {
      const up = /^\u241b\[(\d+)A$/.exec(part)?.[1];
      if (up !== undefined) rows.splice(rows.length - 1 - Number(up), Infinity, '');
      else if (part === '\n') rows.push('');
      else if (part !== '\u241b[J') rows[rows.length - 1] += part;
    }
    return rows;
  };
  return { stream, written, shown };
}

describe('the view of a training run', () => {
  it('says how far it is and how long it takes', () => {
    const lines = viewLines({ progress, loss: 0.3, curve: [3, 2, 1] }, 120);
    expect(lines[0]).toMatch(/^█{10}░{30} step 500\/2000 \| 2\.50 steps\/s \| ETA 10:00$/);
    expect(lines[1]).toBe('loss 0.3000 | rate 0.000200 | validation 31.23 dB (-0.50)');
    expect(lines[2]).toBe('█▅▁');
    expect(viewLine({ progress, loss: 0.3, curve: [] })).toBe(
      'step 500/2000: loss 0.3000, rate 0.000200, 2.50 steps/s, ETA 10:00 | validation 31.23 dB (-0.50)',
    );
  });

  it('fits into a narrow terminal', () => {
    const lines = viewLines({ progress, loss: 0.3, curve: Array.from({ length: 60 }, (_, i) => i) }, 20);
    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(20);
  });

  it('draws curves that are flat, empty or have gaps', () => {
    expect(sparkline([])).toBe('');
    expect(sparkline([2, 2])).toBe('▁▁');
    expect(sparkline([0, NaN, 1])).toBe('▁ █');
  });

  it('is redrawn in place on a terminal', () => {
    const { stream, shown } = screen(true);
    const view = new TrainingView(stream);
    for (let step = 1; step <= 1000; step += 1) view.update({ ...progress, step, steps: 1000, loss: 1 / step });
    view.note('A sentence.');
    view.close();
    const rows = shown();
    expect(rows).toHaveLength(5);
    expect(rows[0]).toBe('A sentence.');
    expect(rows[1]).toContain('step 1000/1000');
    expect(rows[3]).toMatch(/^█[▁▂▃▄▅▆▇█]{29,59}$/);
  });

  it('is a line every so often elsewhere', () => {
    const { stream, written } = screen(false);
    const view = new TrainingView(stream, { every: 10 });
    for (let step = 1; step <= 25; step += 1) view.update({ ...progress, step, steps: 25 });
    view.note('A sentence.');
    view.close();
    expect(written.map((line) => line.slice(0, 11))).toEqual([
      'step 10/25:',
      'step 20/25:',
      'step 25/25:',
      'A sentence.',
    ]);
  });
});
