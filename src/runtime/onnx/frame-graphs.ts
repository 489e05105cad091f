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
  const places = [...Array(windowLength(stage)).keys()];
  const windows = [...Array(batch).keys()].map((b) => places.map((k) => picture.read(inputPrefix(b, k), strides)));
  if (stage.emitPlanes && picture.isEven420) planarWhole(builder, options, picture, windows);
  else rgbWhole(builder, options, picture, windows);
  return builder;
}

/** Frames of a batch: the code values of each plane of each frame of each window. */
type Windows = readonly (readonly (readonly Value[])[])[];

function rgbWhole(builder: GraphBuilder, options: FrameGraphOptions, picture: PictureStage, windows: Windows): void {
  const { stage } = options;
  const ops = new OnnxOps(builder);
  const rgb = windows.map((window) => window.map((planes) => picture.toRgb(planes)));
  const result = stage.emit(builder, batched(ops, rgb));
  windows.forEach((window, b) => {
    const [planes, source] = [window[stage.window.past], rgb[b]?.[stage.window.past]];
    if (!planes || !source) throw new RangeError('a window has no target');
    finish(builder, options, picture, b, planes, source, ofBatch(ops, result, b, windows.length));
  });
}

function planarWhole(builder: GraphBuilder, options: FrameGraphOptions, picture: PictureStage, windows: Windows): void {
  const { stage, strength } = options;
  const ops = new OnnxOps(builder);
  const frames = windows.map((window) => window.map((planes) => picture.toPlanes(planes)));
  const lumas = batched(
    ops,
    frames.map((window) => window.map(({ luma }) => luma)),
  );
  const chromas = batched(
    ops,
    frames.map((window) => window.map(({ chroma }) => chroma)),
  );
  const difference = stage.emitPlanes?.(
    builder,
    lumas.map((luma, k) => ({ luma, chroma: chromas[k] ?? luma })),
  );
  windows.forEach((window, b) => {
    const [planes, source] = [window[stage.window.past], frames[b]?.[stage.window.past]];
    if (!planes || !source || !difference) throw new RangeError('a window has no target');
    const own = (value: Value) => {
      const part = ofBatch(ops, value, b, windows.length);
      return strength === 1 ? part : ops.mul(part, builder.scalar(strength));
    };
    const [luma, chroma] = [own(difference.luma), own(difference.chroma)];
    outputPlanes(builder, options, b, picture.addPlanes(planes, { luma, chroma }));
    const result = ops.add(source.luma, luma);
    outputHealth(builder, options, b, source.luma, result, result);
  });
}

/** The frames of each place in the windows as one tensor. */
function batched(ops: OnnxOps, windows: readonly (readonly Value[])[]): Value[] {
  return (windows[0] ?? []).map((only, k) => {
    if (windows.length === 1) return only;
    return ops.concat(
      windows.map((window) => window[k] ?? only),
      0,
    );
  });
}

function ofBatch(ops: OnnxOps, value: Value, index: number, batch: number): Value {
  return batch === 1 ? value : ops.slice(value, { axis: 0, start: index, end: index + 1 });
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
  options: FrameGraphOptions,
  picture: PictureStage,
  index: number,
  planes: readonly Value[],
  source: Value,
  result: Value,
): void {
  const { strength } = options;
  const ops = new OnnxOps(builder);
  const { shape } = source;
  const clamped = builder.node('Clip', [result, builder.scalar(0), builder.scalar(1)], { type: 'float32', shape });
  const difference = builder.node('Sub', [clamped, source], { type: 'float32', shape });
  const scaled = strength === 1 ? difference : ops.mul(difference, builder.scalar(strength));
  outputPlanes(builder, options, index, picture.addDifference(planes, scaled));
  outputHealth(builder, options, index, source, result, clamped);
}

function outputPlanes(
  builder: GraphBuilder,
  { format }: FrameGraphOptions,
  index: number,
  planes: readonly Value[],
): void {
  planes.forEach((plane, i) => builder.output(`${outputPrefix(index)}${format.planes[i]?.component}`, plane));
}

function outputHealth(
  builder: GraphBuilder,
  { geometry }: FrameGraphOptions,
  index: number,
  source: Value,
  result: Value,
  clamped: Value,
): void {
  const cell = healthCell(geometry.height, geometry.width);
  const maps = {
    sourceMean: cellMeans(builder, source, cell),
    resultMean: cellMeans(builder, result, cell),
    sourceFlat: cellFlatness(builder, source, cell),
    resultFlat: cellFlatness(builder, clamped, cell),
  };
  for (const name of healthMaps) builder.output(`${name}${index}`, maps[name]);
}
