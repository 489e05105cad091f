import type { PixelFormat } from '../../io/pixel-format.js';
import type { PictureGeometry } from '../frame-session.js';
import type { TilePlan } from '../tile-plan.js';
import { GraphBuilder, type Value } from './graph.js';
import { cellFlatness, cellMeans, healthCell } from './health-stage.js';
import type { NetworkStage } from './network-stage.js';
import { OnnxOps } from './onnx-ops.js';
import { PictureStage } from './picture-stage.js';
import { cutTiles, joinTiles } from './tile-stage.js';

/** What the graphs of a frame depend on. */
export interface FrameGraphOptions {
  readonly stage: NetworkStage;
  readonly geometry: PictureGeometry;
  /** The geometry's pixel format. */
  readonly format: PixelFormat;
  /** How much of the result to use, 0 to 1. */
  readonly strength: number;
  /** Frames per run of {@link wholeGraph}. */
  readonly batch: number;
  /** Tiles of the graphs that work with them. */
  readonly grid: TilePlan;
  /** Samples per row of each plane that comes in. */
  readonly strides: readonly number[];
}

/** Maps of a frame's health; each is an output under this name and the frame's place in the batch. */
export const healthMaps = ['sourceMean', 'resultMean', 'sourceFlat', 'resultFlat'] as const;

/** Begins the names of a frame's plane inputs: its place in the batch and in its window. */
export function inputPrefix(batch: number, neighbour: number): string {
  return `b${batch}k${neighbour}`;
}

/** Begins the names of a frame's plane outputs. */
export function outputPrefix(batch: number): string {
  return `o${batch}`;
}

/** Name of a tile of a window's frame. */
export function tileName(neighbour: number, tile: number): string {
  return `t${neighbour}_${tile}`;
}

/** Name of a restored tile. */
export function restoredName(tile: number): string {
  return `y${tile}`;
}

/** Name of a frame, or a tile of one, that goes into the network. */
export function networkInputName(neighbour: number): string {
  return `f${neighbour}`;
}

/** Frames that a network looks at for one result. */
function windowLength({ window }: NetworkStage): number {
  return window.past + 1 + window.future;
}

/** Tiles of a plan. */
export function tileCount({ rows, columns }: TilePlan): number {
  return rows.length * columns.length;
}

/** Planes to planes, for a batch of whole frames. */
export function wholeGraph(options: FrameGraphOptions): GraphBuilder {
  const { stage, batch, geometry, strides } = options;
  const builder = new GraphBuilder();
  const picture = new PictureStage(builder, geometry);
  const ops = new OnnxOps(builder);
  const places = [...Array(windowLength(stage)).keys()];
  const windows = [...Array(batch).keys()].map((b) =>
    places.map((k) => {
      const planes = picture.read(inputPrefix(b, k), strides);
      return { planes, rgb: picture.toRgb(planes) };
    }),
  );
  const frames = places.map((k) => {
    const batched = windows.flatMap((window) => window[k]?.rgb ?? []);
    const [only] = batched;
    return batched.length === 1 && only ? only : ops.concat(batched, 0);
  });
  const result = stage.emit(builder, frames);
  windows.forEach((window, b) => {
    const target = window[stage.window.past];
    if (!target) throw new RangeError('a window has no target');
    const own = batch === 1 ? result : ops.slice(result, { axis: 0, start: b, end: b + 1 });
    finish(builder, options, picture, b, target.planes, target.rgb, own);
  });
  return builder;
}

/** The planes of a window to tiles of RGB. */
export function cutterGraph({ stage, geometry, grid, strides }: FrameGraphOptions): GraphBuilder {
  const builder = new GraphBuilder();
  const picture = new PictureStage(builder, geometry);
  for (let k = 0; k < windowLength(stage); k += 1) {
    const rgb = picture.toRgb(picture.read(inputPrefix(0, k), strides));
    cutTiles(builder, rgb, grid).forEach((tile, i) => builder.output(tileName(k, i), tile));
  }
  return builder;
}

/** RGB to restored RGB, of one size: the network alone. */
export function networkGraph(stage: NetworkStage, height: number, width: number): GraphBuilder {
  const builder = new GraphBuilder();
  const frames = [...Array(windowLength(stage)).keys()].map((k) =>
    builder.input(networkInputName(k), 'float32', [1, 3, height, width]),
  );
  builder.output(restoredName(0), stage.emit(builder, frames));
  return builder;
}

/** Restored tiles and the source's planes to planes. */
export function joinerGraph(options: FrameGraphOptions): GraphBuilder {
  const { stage, geometry, grid, strides } = options;
  const builder = new GraphBuilder();
  const picture = new PictureStage(builder, geometry);
  const planes = picture.read(inputPrefix(0, stage.window.past), strides);
  const rgb = picture.toRgb(planes);
  const sizes = grid.rows.flatMap((row) => grid.columns.map((column) => [1, 3, row.length, column.length]));
  const tiles = sizes.map((shape, i) => builder.input(restoredName(i), 'float32', shape));
  finish(builder, options, picture, 0, planes, rgb, joinTiles(builder, tiles, grid));
  return builder;
}

/** From the network's result to a frame's outputs: its planes and the maps of its health. */
function finish(
  builder: GraphBuilder,
  { geometry, format, strength }: FrameGraphOptions,
  picture: PictureStage,
  index: number,
  planes: readonly Value[],
  source: Value,
  result: Value,
): void {
  const ops = new OnnxOps(builder);
  const { shape } = source;
  const clamped = builder.node('Clip', [result, builder.scalar(0), builder.scalar(1)], { type: 'float32', shape });
  const difference = builder.node('Sub', [clamped, source], { type: 'float32', shape });
  const scaled = strength === 1 ? difference : ops.mul(difference, builder.scalar(strength));
  picture.addDifference(planes, scaled).forEach((plane, i) => {
    builder.output(`${outputPrefix(index)}${format.planes[i]?.component}`, plane);
  });
  const cell = healthCell(geometry.height, geometry.width);
  const maps = {
    sourceMean: cellMeans(builder, source, cell),
    resultMean: cellMeans(builder, result, cell),
    sourceFlat: cellFlatness(builder, source, cell),
    resultFlat: cellFlatness(builder, clamped, cell),
  };
  for (const name of healthMaps) builder.output(`${name}${index}`, maps[name]);
}
