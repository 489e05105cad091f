import { describe, expect, it } from 'vitest';
import { openVideo } from '../../src/io/index.js';
import { CutDetector } from '../../src/pipeline/scene-cut.js';
import { fixture } from '../support/fixtures.js';
import { grayFrame } from '../support/frames.js';

describe('cut detector', () => {
  it('finds the cut of a real clip, and only that', async () => {
    await using reader = await openVideo(fixture('clips/bikes-cut.mp4'));
    const detector = new CutDetector();
    const cuts: [number, string][] = [];
    for await (const frame of reader.frames()) {
      using held = frame;
      const reason = detector.next(held);
      if (reason) cuts.push([held.index, reason]);
    }
    expect(cuts).toEqual([[12, 'scene']]);
  });

  it('finds no cut in a moving camera shot', async () => {
    await using reader = await openVideo(fixture('clips/mountain-blurry.mp4'));
    const detector = new CutDetector();
    for await (const frame of reader.frames()) {
      using held = frame;
      expect(detector.next(held)).toBeUndefined();
    }
  });

  it('marks a pause and a step back in time as gaps', () => {
    const detector = new CutDetector();
    const pts = [0, 40, 80, 120, 160, 1000, 1040, 500];
    const marks = pts.map((ms, i) => {
      using frame = grayFrame(i, 100, { pts: BigInt(ms) });
      return detector.next(frame);
    });
    expect(marks).toEqual([undefined, undefined, undefined, undefined, undefined, 'gap', undefined, 'gap']);
  });

  it('marks a change of size', () => {
    const detector = new CutDetector();
    using small = grayFrame(0);
    using large = grayFrame(1, 128, { width: 128, height: 72 });
    expect(detector.next(small)).toBeUndefined();
    expect(detector.next(large)).toBe('format');
  });
});
