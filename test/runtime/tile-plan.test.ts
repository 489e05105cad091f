import { describe, expect, it } from 'vitest';
import { coverAxis, planTiles, type TileSpan } from '../../src/runtime/tile-plan.js';

const rules = { multiple: 64, margin: 16, feather: 16 };

/** Weight of each tile at each sample, by the meaning of `fade`. */
function weights(spans: readonly TileSpan[], length: number): number[][] {
  const fade = (span: TileSpan | undefined, x: number) => {
    if (!span?.fade) return 1;
    return Math.min(1, Math.max(0, 1 - (x - span.fade.start + 0.5) / span.fade.length));
  };
  return spans.map((span, i) =>
    Array.from({ length }, (_, x) => fade(span, x) * (i === 0 ? 1 : 1 - fade(spans[i - 1], x))),
  );
}

describe('coverAxis', () => {
  it.each([
    [720, 2],
    [720, 3],
    [1280, 4],
    [2160, 7],
    [1081, 3],
  ])('%i samples by %i tiles: weights add up to 1, inside the tiles and off their borders', (length, count) => {
    const spans = coverAxis(length, count, rules) ?? [];
    expect(spans).toHaveLength(count);
    const perTile = weights(spans, length);
    for (let x = 0; x < length; x += 1) {
      expect(perTile.reduce((sum, tile) => sum + (tile[x] ?? 0), 0)).toBeCloseTo(1, 12);
    }
    spans.forEach((span, i) => {
      expect(span.length % rules.multiple).toBe(0);
      const used = (perTile[i] ?? []).flatMap((w, x) => (w > 0 ? [x] : []));
      const first = Math.min(...used);
      const last = Math.max(...used);
      expect(first).toBeGreaterThanOrEqual(span.start + (i === 0 ? 0 : rules.margin));
      expect(last).toBeLessThan(span.start + span.length - (i === count - 1 ? 0 : rules.margin));
    });
    expect((spans.at(-1)?.start ?? 0) + (spans.at(-1)?.length ?? 0)).toBe(length);
  });

  it('has no place for more tiles than the axis can hold', () => {
    expect(coverAxis(128, 3, rules)).toBeUndefined();
    expect(coverAxis(64, 2, rules)).toBeUndefined();
    expect(coverAxis(1, 2, { multiple: 1, margin: 0, feather: 0 })).toBeUndefined();
  });
});

describe('planTiles', () => {
  const cost = (height: number, width: number) => height * width;

  it('takes the whole picture when it fits', () => {
    const plan = planTiles(720, 1280, rules, 1280 * 720, cost);
    expect([plan?.rows.length, plan?.columns.length]).toEqual([1, 1]);
    expect(plan?.rows[0]?.length).toBe(720);
  });

  it('takes as few tiles as keep the budget', () => {
    const plan = planTiles(720, 1280, rules, 500_000, cost);
    expect((plan?.rows.length ?? 0) * (plan?.columns.length ?? 0)).toBe(2);
    expect(planTiles(720, 1280, rules, 200_000, cost)).toBeDefined();
  });

  it('gives up below the smallest tile', () => {
    expect(planTiles(720, 1280, rules, 1000, cost)).toBeUndefined();
  });
});
