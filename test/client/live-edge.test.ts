import { describe, expect, it } from 'vitest';
import { EdgeControl, liveEdge } from '../../src/client/live-edge.js';

const edge = liveEdge({ targetDelay: 0.1, maximumDelay: 0.6 });

describe('the live edge', () => {
  it('is kept without haste while the delay is right', () => {
    const control = new EdgeControl(edge);
    expect(control.step({ currentTime: 9.9, start: 5, end: 10, keyframe: 9.5 }, 0.1)).toEqual({ rate: 1 });
  });

  it('is caught up with by hurrying, and waited for by lingering', () => {
    const control = new EdgeControl(edge);
    const { rate } = control.step({ currentTime: 9.7, start: 5, end: 10, keyframe: 9.5 }, 0.1);
    expect(rate).toBeGreaterThan(1);
    expect(rate).toBeLessThanOrEqual(1.25);
    expect(control.step({ currentTime: 9.98, start: 5, end: 10, keyframe: 9.5 }, 0.1).rate).toBeLessThan(1);
  });

  it('is jumped to at a keyframe only, so that a slow decoder is not sent back', () => {
    const control = new EdgeControl(edge);
    const late = { currentTime: 9, start: 5, end: 10 };
    expect(control.step({ ...late, keyframe: 9.95 }, 0.1)).toEqual({ jumpTo: 9.95, rate: 1 });
    expect(control.step({ ...late, keyframe: 9.4 }, 0.1).jumpTo).toBeUndefined();
    expect(control.step({ ...late, keyframe: undefined }, 0.1).jumpTo).toBeUndefined();
    // Minutes late, any keyframe is better than none.
    expect(control.step({ currentTime: 1, start: 0, end: 10, keyframe: 9.1 }, 0.1).jumpTo).toBe(9.1);
  });

  it('is jumped to from outside the buffer', () => {
    const control = new EdgeControl(edge);
    expect(control.step({ currentTime: 0, start: 100, end: 101, keyframe: 100 }, 0.1).jumpTo).toBeCloseTo(100.9);
    expect(control.step({ currentTime: 200, start: 0, end: 0.05, keyframe: 0 }, 0.1).jumpTo).toBe(0);
  });

  it('moves away while pictures come too late, within bounds, and back again', () => {
    const control = new EdgeControl(edge);
    control.stalled();
    expect(control.target).toBeGreaterThan(0.1);
    for (let i = 0; i < 50; i += 1) control.stalled();
    expect(control.target).toBeCloseTo(0.2);
    for (let i = 0; i < 600; i += 1) control.step({ currentTime: 9.8, start: 5, end: 10, keyframe: 9.5 }, 0.1);
    expect(control.target).toBeCloseTo(0.1);
  });
});
