import { lastValueFrom, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { order } from '../../src/pipeline/order.js';

function ordered(items: readonly number[]) {
  return lastValueFrom(
    of(...items).pipe(
      order((n) => n),
      toArray(),
    ),
  );
}

describe('order', () => {
  it('restores ascending order', async () => {
    expect(await ordered([2, 0, 1, 5, 3, 4])).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('fails when a frame never arrives', async () => {
    await expect(ordered([0, 2, 3])).rejects.toThrow('frame 1 never arrived; 2 later ones did');
  });
});
