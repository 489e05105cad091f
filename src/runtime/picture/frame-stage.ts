import type { Planes } from '../../models/network.js';
import type { PictureGeometry } from '../frame-session.js';
import { healthOf, type HealthMaps } from './health-stage.js';
import type { PictureOps } from './picture-ops.js';
import { PictureStage } from './picture-stage.js';

/** A network in an interpreter's tensors. */
export interface FrameNetwork<T> {
  /** Neighbouring frames wanted before and after the one to restore. */
  readonly window: { readonly past: number; readonly future: number };
  /**
   * @param frames RGB `[N, 3, H, W]` in [0, 1] in order of time, any size.
   * @returns the restored frame, same shape, not clamped.
   */
  restore(frames: readonly T[]): T;
  /**
   * The same of a network that works on 4:2:0 planes, which then need no conversion.
   * @param frames in order of time, of even size.
   * @returns what has to be added to the planes of the restored frame.
   */
  restorePlanes?(frames: readonly Planes<T>[]): Planes<T>;
}

/** A restored frame. */
export interface RestoredFrame<T> {
  /** Whole code values, `[1, 1, h, w]` for each plane of the pixel format. */
  readonly planes: readonly T[];
  readonly health: HealthMaps<T>;
}

/** What {@link restoreWindows} depends on beside the network. */
export interface FrameStageOptions {
  readonly geometry: PictureGeometry;
  /** How much of the result to use, 0 to 1. */
  readonly strength: number;
}

/** Frames that a network looks at for one result. */
export function windowLength({ window }: Pick<FrameNetwork<unknown>, 'window'>): number {
  return window.past + 1 + window.future;
}

/**
 * From planes to planes: conversion, the network, difference to the source, rounding.
 * @param windows the code values, `[1, 1, h, w]`, of each plane of each frame of each window; all windows go through
 * the network at once.
 */
export function restoreWindows<T>(
  ops: PictureOps<T>,
  network: FrameNetwork<T>,
  options: FrameStageOptions,
  windows: readonly (readonly (readonly T[])[])[],
): RestoredFrame<T>[] {
  const picture = new PictureStage(ops, options.geometry);
  const target = network.window.past;
  if (network.restorePlanes && picture.isEven420) {
    const frames = windows.map((window) => window.map((planes) => picture.toPlanes(planes)));
    const part = (name: 'luma' | 'chroma') =>
      batched(
        ops,
        frames.map((window) => window.map((planes) => planes[name])),
      );
    const [lumas, chromas] = [part('luma'), part('chroma')];
    const difference = network.restorePlanes(lumas.map((luma, k) => ({ luma, chroma: present(chromas[k]) })));
    return windows.map((window, b) => {
      const own = (value: T) => scaled(ops, ofBatch(ops, value, b, windows.length), options.strength);
      const [luma, chroma] = [own(difference.luma), own(difference.chroma)];
      const source = present(frames[b]?.[target]).luma;
      const result = ops.add(source, luma);
      return {
        planes: picture.addPlanes(present(window[target]), { luma, chroma }),
        health: healthOf(ops, source, result, result),
      };
    });
  }
  const rgb = windows.map((window) => window.map((planes) => picture.toRgb(planes)));
  const results = network.restore(batched(ops, rgb));
  return windows.map((window, b) => {
    const result = ofBatch(ops, results, b, windows.length);
    return finish(ops, picture, options.strength, present(window[target]), present(rgb[b]?.[target]), result);
  });
}

/** A frame whose neighbours and itself were translated before. */
export interface TranslatedWindow<T> {
  /** The code values of the source frame's planes. */
  readonly planes: readonly T[];
  /** RGB `[1, 3, H, W]` in [0, 1] in order of time: what {@link translateWindow} made of the frames. */
  readonly frames: readonly T[];
}

/** What {@link restoreWindows} does, from translated frames: the difference is to the source as it was. */
export function restoreTranslated<T>(
  ops: PictureOps<T>,
  network: FrameNetwork<T>,
  { geometry, strength }: FrameStageOptions,
  windows: readonly TranslatedWindow<T>[],
): RestoredFrame<T>[] {
  const picture = new PictureStage(ops, geometry);
  const results = network.restore(
    batched(
      ops,
      windows.map(({ frames }) => frames),
    ),
  );
  return windows.map(({ planes }, b) => {
    const result = ofBatch(ops, results, b, windows.length);
    return finish(ops, picture, strength, planes, picture.toRgb(planes), result);
  });
}

/**
 * From the planes of a translator's window to the translated frame, RGB `[1, 3, H, W]` in [0, 1].
 * @param window the code values, `[1, 1, h, w]`, of each plane of each frame.
 */
export function translateWindow<T>(
  ops: PictureOps<T>,
  translator: FrameNetwork<T>,
  geometry: PictureGeometry,
  window: readonly (readonly T[])[],
): T {
  const picture = new PictureStage(ops, geometry);
  return ops.clip(translator.restore(window.map((planes) => picture.toRgb(planes))), 0, 1);
}

/**
 * From the network's result to a restored frame.
 * @param planes the source's planes.
 * @param source the source in RGB.
 * @param result the network's RGB.
 */
export function finish<T>(
  ops: PictureOps<T>,
  picture: PictureStage<T>,
  strength: number,
  planes: readonly T[],
  source: T,
  result: T,
): RestoredFrame<T> {
  const clamped = ops.clip(result, 0, 1);
  const difference = scaled(ops, ops.sub(clamped, source), strength);
  return { planes: picture.addDifference(planes, difference), health: healthOf(ops, source, result, clamped) };
}

function scaled<T>(ops: PictureOps<T>, difference: T, strength: number): T {
  return strength === 1 ? difference : ops.scale(difference, strength);
}

/** The frames of each place in the windows as one tensor. */
function batched<T>(ops: PictureOps<T>, windows: readonly (readonly T[])[]): T[] {
  const [first = []] = windows;
  if (windows.length === 1) return [...first];
  return first.map((_, k) =>
    ops.concat(
      windows.map((window) => present(window[k])),
      0,
    ),
  );
}

function ofBatch<T>(ops: PictureOps<T>, value: T, index: number, batch: number): T {
  return batch === 1 ? value : ops.slice(value, { axis: 0, start: index, end: index + 1 });
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new RangeError('a window lacks a frame');
  return value;
}
