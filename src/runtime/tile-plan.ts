/** One axis of a tile: the samples it covers and the samples it is responsible for. */
export interface TileSpan {
  /** First sample of the tile. */
  readonly start: number;
  /** Samples in the tile. */
  readonly length: number;
  /**
   * Where this tile fades into the next: the weights run from 1 to 0 over
   * `[fade.start, fade.start + fade.length)`, in samples of the picture. Undefined for the last tile.
   */
  readonly fade: { readonly start: number; readonly length: number } | undefined;
}

/** A grid of overlapping tiles. Every tile has the same size. */
export interface TilePlan {
  readonly rows: readonly TileSpan[];
  readonly columns: readonly TileSpan[];
}

/** Tiles of a plan. */
export function tileCount({ rows, columns }: TilePlan): number {
  return rows.length * columns.length;
}

/** The plan of one tile. */
export function oneTile(height: number, width: number): TilePlan {
  return {
    rows: [{ start: 0, length: height, fade: undefined }],
    columns: [{ start: 0, length: width, fade: undefined }],
  };
}

/** How a network wants to be tiled. */
export interface TileRules {
  /** Tile sizes are multiples of this, except where one tile covers the whole axis. */
  readonly multiple: number;
  /** Samples at a tile's inner borders that see too little of the picture and are never used. */
  readonly margin: number;
  /** Samples over which neighbouring tiles are blended. */
  readonly feather: number;
}

/**
 * Covers an axis with `count` equal tiles, evenly spread, so that each sample a tile contributes lies
 * at least `margin` from the tile's inner borders.
 * @returns undefined when `count` tiles are more than the axis has room for.
 */
export function coverAxis(
  length: number,
  count: number,
  { multiple, margin, feather }: TileRules,
): TileSpan[] | undefined {
  if (count === 1) return [{ start: 0, length, fade: undefined }];
  const overlap = 2 * margin + feather;
  const wanted = Math.ceil((length + (count - 1) * overlap) / count);
  const tile = Math.ceil(wanted / multiple) * multiple;
  const step = (length - tile) / (count - 1);
  if (step < feather || step < 1) return undefined;
  return Array.from({ length: count }, (_, i): TileSpan => {
    const start = Math.round(i * step);
    const next = Math.round((i + 1) * step);
    if (i === count - 1) return { start, length: tile, fade: undefined };
    const middle = (next + start + tile) / 2;
    return { start, length: tile, fade: { start: Math.floor(middle - feather / 2), length: feather } };
  });
}

/**
 * The grid with the fewest tiles whose cost keeps a budget.
 * @param cost Bytes that one tile of that height and width needs, beside everything that does not depend on tiles.
 * @returns undefined when even the smallest tiles cost more.
 */
export function planTiles(
  height: number,
  width: number,
  rules: TileRules,
  budget: number,
  cost: (tileHeight: number, tileWidth: number) => number,
): TilePlan | undefined {
  const axis = (length: number) => {
    const spans: TileSpan[][] = [];
    for (let count = 1; ; count += 1) {
      const covered = coverAxis(length, count, rules);
      if (!covered) return spans;
      spans.push(covered);
    }
  };
  const [rowChoices, columnChoices] = [axis(height), axis(width)];
  const grids = rowChoices
    .flatMap((rows) => columnChoices.map((columns): TilePlan => ({ rows, columns })))
    .sort((a, b) => a.rows.length * a.columns.length - b.rows.length * b.columns.length || area(a) - area(b));
  return grids.find(({ rows, columns }) => cost(rows[0]?.length ?? 0, columns[0]?.length ?? 0) <= budget);
}

function area({ rows, columns }: TilePlan): number {
  return (rows[0]?.length ?? 0) * (columns[0]?.length ?? 0);
}
