import type * as tfjs from '@tensorflow/tfjs';
import { elements } from '../../models/ops.js';
import type { Shape, Weights } from '../../models/ops.js';
import type { PictureOps } from '../picture/picture-ops.js';
import { PictureShapeOps } from '../picture/picture-shape-ops.js';
import type { Tfjs, TfValue } from './tensor.js';
import { TensorflowOps } from './tf-ops.js';

/** A value of a run: only its shape while uses are counted, its tensor too while it is computed. */
class Tracked {
  constructor(
    readonly shape: Shape,
    readonly value?: TfValue,
  ) {}
}

/** A function of tensors. */
export type TensorFunction = <T>(ops: PictureOps<T>, weights: Weights<T>, inputs: readonly T[]) => readonly T[];

/** The tracked values among an operator's arguments: themselves, in lists and in options. */
function trackedIn(argument: unknown): Tracked[] {
  if (argument instanceof Tracked) return [argument];
  if (argument === null || typeof argument !== 'object' || ArrayBuffer.isView(argument)) return [];
  return Object.values(argument).flatMap(trackedIn);
}

/** An operator's argument with every tracked value replaced. */
function replaced(argument: unknown, by: (value: Tracked) => unknown): unknown {
  if (argument instanceof Tracked) return by(argument);
  if (argument === null || typeof argument !== 'object' || ArrayBuffer.isView(argument)) return argument;
  if (Array.isArray(argument)) return argument.map((item) => replaced(item, by));
  return Object.fromEntries(Object.entries(argument).map(([key, item]) => [key, replaced(item, by)]));
}

/** A vocabulary whose operators are all answered by one function. */
function vocabulary(answer: (operator: string, args: readonly unknown[]) => Tracked): PictureOps<Tracked> {
  return new Proxy({} as PictureOps<Tracked>, {
    get: (_, operator: string) =>
      operator === 'shape' ? (value: Tracked) => value.shape : (...args: unknown[]) => answer(operator, args),
  });
}

type Operators = Readonly<Record<string, (...args: unknown[]) => unknown>>;

/** How long the values of a function live. */
export interface ReleasePlan {
  /** After which operator values are needed no more: for the operator at that place, the places of such values. */
  readonly ends: ReadonlyMap<number, readonly number[]>;
  /** Most bytes of intermediate values and outputs alive at once. */
  readonly peakBytes: number;
}

/** Operators whose result is their operand's memory in another shape. */
const views = new Set(['reshape', 'transpose', 'dropout2d']);

/** Runs a function on shapes alone and finds out how long its values live. */
export function planReleases(run: TensorFunction, shapes: readonly Shape[]): ReleasePlan {
  const operators = new PictureShapeOps() as unknown as Operators;
  const places = new Map<Tracked, number>();
  const last = new Map<number, number>();
  /** Bytes of each value's own memory, and whose memory it shows. */
  const memory: { bytes: number; owner: number }[] = [];
  const ops = vocabulary((operator, args) => {
    const place = memory.length;
    const shape = operators[operator]?.(...args.map((arg) => replaced(arg, (value) => value.shape))) as Shape;
    const result = new Tracked(shape);
    const operands = args.flatMap(trackedIn).flatMap((value) => places.get(value) ?? []);
    for (const own of operands) last.set(own, place);
    // A value that nothing uses is needed no more at once.
    last.set(place, place);
    places.set(result, place);
    const [viewed] = views.has(operator) ? operands : [];
    memory.push({ bytes: 4 * elements(shape), owner: viewed === undefined ? place : (memory[viewed]?.owner ?? place) });
    return result;
  });
  const outputs = run(
    ops,
    { get: (_, shape) => new Tracked(shape) },
    shapes.map((shape) => new Tracked(shape)),
  );
  for (const output of outputs) last.delete(places.get(output) ?? -1);
  const ends = new Map<number, number[]>();
  for (const [value, end] of last) ends.set(end, [...(ends.get(end) ?? []), value]);
  return { ends, peakBytes: peakOf(memory, ends) };
}

function peakOf(
  memory: readonly { bytes: number; owner: number }[],
  ends: ReadonlyMap<number, readonly number[]>,
): number {
  const holders = new Map<number, number>();
  let [alive, peak] = [0, 0];
  memory.forEach(({ bytes, owner }, place) => {
    const before = holders.get(owner) ?? 0;
    holders.set(owner, before + 1);
    if (before === 0) alive += bytes;
    peak = Math.max(peak, alive);
    for (const ended of ends.get(place) ?? []) {
      const own = memory[ended]?.owner ?? ended;
      const rest = (holders.get(own) ?? 1) - 1;
      holders.set(own, rest);
      if (rest === 0) alive -= memory[own]?.bytes ?? 0;
    }
  });
  return peak;
}

/**
 * Computes a function of tensors, and frees every intermediate tensor as soon as nothing needs it any more: within one
 * `tf.tidy` they would all live to the end, which for a large network is many times what is alive at once. For that
 * the function runs twice, the first time on shapes alone.
 *
 * @param plan of this function and of inputs of these shapes. Default: made anew.
 * @returns the outputs, which the caller disposes; inputs and weights stay the caller's.
 */
export function runReleasing(
  tf: Tfjs,
  weights: Weights<TfValue>,
  inputs: readonly TfValue[],
  run: TensorFunction,
  plan: ReleasePlan = planReleases(
    run,
    inputs.map(({ shape }) => shape),
  ),
): TfValue[] {
  const operators = new TensorflowOps(tf) as unknown as Operators;
  const values: TfValue[] = [];
  /** Values that share a tensor: a transposition only shows it in another order. */
  const holders = new Map<tfjs.Tensor, number>();
  const kept = new Set<tfjs.Tensor>(inputs.map(({ tensor }) => tensor));
  const valueOf = (tracked: Tracked) => {
    if (!tracked.value) throw new TypeError('a value was never computed');
    return tracked.value;
  };
  const ops = vocabulary((operator, args) => {
    const plain = args.map((arg) => replaced(arg, valueOf));
    let computed: TfValue | undefined;
    tf.tidy(() => {
      computed = operators[operator]?.(...plain) as TfValue;
      return computed.tensor;
    });
    if (!computed) throw new TypeError(`there is no operator ${operator}`);
    const place = values.push(computed) - 1;
    holders.set(computed.tensor, (holders.get(computed.tensor) ?? 0) + 1);
    for (const ended of plan.ends.get(place) ?? []) {
      const tensor = values[ended]?.tensor;
      if (!tensor) continue;
      const rest = (holders.get(tensor) ?? 1) - 1;
      holders.set(tensor, rest);
      if (rest === 0 && !kept.has(tensor)) tensor.dispose();
    }
    return new Tracked(computed.shape, computed);
  });
  const held: Weights<Tracked> = {
    get: (name, shape) => {
      const value = weights.get(name, shape);
      kept.add(value.tensor);
      return new Tracked(value.shape, value);
    },
  };
  let results: TfValue[] = [];
  // Whatever the function leaves alive when it fails goes with the tidy around it.
  tf.tidy(() => {
    const outputs = run(
      ops,
      held,
      inputs.map((value) => new Tracked(value.shape, value)),
    );
    results = outputs.map((output) => {
      const value = valueOf(output);
      // What is an input or a parameter itself is copied, so that every output can be disposed.
      return kept.has(value.tensor) ? { ...value, tensor: value.tensor.clone() } : value;
    });
    return results.map(({ tensor }) => tensor);
  });
  return results;
}
