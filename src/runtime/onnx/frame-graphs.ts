import type { PixelFormat } from '../../io/pixel-format.js';
import type { PictureGeometry } from '../frame-session.js';
import {
  finish,
  restoreTranslated,
  restoreWindows,
  translateWindow,
  windowLength,
  type FrameNetwork,
  type RestoredFrame,
} from '../picture/frame-stage.js';
import { healthMaps } from '../picture/health-stage.js';
import { PictureStage } from '../picture/picture-stage.js';
import { cutTiles, joinTiles } from '../picture/tile-stage.js';
import type { TilePlan } from '../tile-plan.js';
import { GraphBuilder, type Value } from './graph.js';
import type { NetworkStage } from './network-stage.js';
import { OnnxOps } from './onnx-ops.js';
import { readPlanes, writePlanes } from './plane-nodes.js';

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
  /** Whether the network's frames come in as RGB, translated, with the planes of the source frame beside them. */
  readonly translated: boolean;
}

/** Begins the names of a frame's plane inputs: its place in the batch and in its window. */
export function inputPrefix(batch: number, neighbour: number): string {
  return `b${batch}k${neighbour}`;
}

/** Begins the names of a frame's plane outputs. */
export function outputPrefix(batch: number): string {
  return `o${batch}`;
}

/** Name of a map of a frame's health. */
export function healthName(map: (typeof healthMaps)[number], batch: number): string {
  return `${map}${batch}`;
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

/** Name of a translated frame of a window. */
export function translatedName(batch: number, neighbour: number): string {
  return `${inputPrefix(batch, neighbour)}rgb`;
}

/** Planes to planes, for a batch of whole frames. */
export function wholeGraph(options: FrameGraphOptions): GraphBuilder {
  const { stage, batch, translated } = options;
  const builder = new GraphBuilder();
  const [ops, network] = [new OnnxOps(builder), networkOf(builder, stage)];
  const neighbours = places(windowLength(stage));
  const frames = translated
    ? restoreTranslated(
        ops,
        network,
        options,
        places(batch).map((b) => ({
          planes: read(builder, options, inputPrefix(b, stage.window.past)),
          frames: neighbours.map((k) => readTranslated(builder, options, b, k)),
        })),
      )
    : restoreWindows(
        ops,
        network,
        options,
        places(batch).map((b) => neighbours.map((k) => read(builder, options, inputPrefix(b, k)))),
      );
  frames.forEach((frame, b) => {
    output(builder, options, b, frame);
  });
  return builder;
}

/** The planes of a window to its translated frame, RGB. */
export function translatorGraph(options: FrameGraphOptions): GraphBuilder {
  const { stage, geometry } = options;
  const builder = new GraphBuilder();
  const window = places(windowLength(stage)).map((k) => read(builder, options, inputPrefix(0, k)));
  const frame = translateWindow(new OnnxOps(builder), networkOf(builder, stage), geometry, window);
  builder.output(translatedName(0, 0), frame);
  return builder;
}

/** A window's planes, or translated frames, to tiles of RGB. */
export function cutterGraph(options: FrameGraphOptions): GraphBuilder {
  const builder = new GraphBuilder();
  const ops = new OnnxOps(builder);
  const picture = new PictureStage(ops, options.geometry);
  for (const k of places(windowLength(options.stage))) {
    const rgb = options.translated
      ? readTranslated(builder, options, 0, k)
      : picture.toRgb(read(builder, options, inputPrefix(0, k)));
    cutTiles(ops, rgb, options.grid).forEach((tile, i) => builder.output(tileName(k, i), tile));
  }
  return builder;
}

/** RGB to restored RGB, of one size: the network alone. */
export function networkGraph(stage: NetworkStage, height: number, width: number): GraphBuilder {
  const builder = new GraphBuilder();
  const frames = places(windowLength(stage)).map((k) =>
    builder.input(networkInputName(k), 'float32', [1, 3, height, width]),
  );
  builder.output(restoredName(0), stage.emit(builder, frames));
  return builder;
}

/** Restored tiles and the source's planes to planes. */
export function joinerGraph(options: FrameGraphOptions): GraphBuilder {
  const { stage, geometry, grid, strength } = options;
  const builder = new GraphBuilder();
  const ops = new OnnxOps(builder);
  const picture = new PictureStage(ops, geometry);
  const planes = read(builder, options, inputPrefix(0, stage.window.past));
  const result = joinTiles(ops, restoredTiles(builder, grid), grid);
  output(builder, options, 0, finish(ops, picture, strength, planes, picture.toRgb(planes), result));
  return builder;
}

/** Translated tiles to a translated frame, RGB. */
export function translatedJoinerGraph({ grid }: FrameGraphOptions): GraphBuilder {
  const builder = new GraphBuilder();
  const ops = new OnnxOps(builder);
  builder.output(translatedName(0, 0), ops.clip(joinTiles(ops, restoredTiles(builder, grid), grid), 0, 1));
  return builder;
}

function restoredTiles(builder: GraphBuilder, { rows, columns }: TilePlan): Value[] {
  const sizes = rows.flatMap((row) => columns.map((column) => [1, 3, row.length, column.length]));
  return sizes.map((shape, i) => builder.input(restoredName(i), 'float32', shape));
}

function networkOf(builder: GraphBuilder, stage: NetworkStage): FrameNetwork<Value> {
  const { window, emitPlanes } = stage;
  return {
    window,
    restore: (frames) => stage.emit(builder, frames),
    ...(emitPlanes && { restorePlanes: (frames) => emitPlanes(builder, frames) }),
  };
}

function places(count: number): number[] {
  return [...Array(count).keys()];
}

function read(builder: GraphBuilder, { geometry, format, strides }: FrameGraphOptions, prefix: string): Value[] {
  return readPlanes(builder, geometry, format, prefix, strides);
}

function readTranslated(
  builder: GraphBuilder,
  { geometry: { width, height } }: FrameGraphOptions,
  batch: number,
  neighbour: number,
): Value {
  return builder.input(translatedName(batch, neighbour), 'float32', [1, 3, height, width]);
}

/** A frame's outputs: its planes and the maps of its health. */
function output(
  builder: GraphBuilder,
  { format }: FrameGraphOptions,
  index: number,
  { planes, health }: RestoredFrame<Value>,
): void {
  writePlanes(builder, format, outputPrefix(index), planes);
  for (const map of healthMaps) builder.output(healthName(map, index), health[map]);
}
