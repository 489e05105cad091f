import type { Shape } from '../../models/ops.js';
import { encodeModel } from './proto.js';
import type { AttributeProto, NodeProto, TensorProto, ValueInfoProto } from './proto.js';
import { byteSize, dataTypeCode } from './tensor.js';
import type { DataType, TensorData } from './tensor.js';

/** An edge of a graph: a tensor with a name, an element type and a static shape. */
export interface Value {
  readonly name: string;
  readonly type: DataType;
  readonly shape: Shape;
  /** The elements, when the value is a constant. */
  readonly data?: TensorData;
}

/** A node's attribute, under the field of `AttributeProto` that holds it. */
export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] };

/** Type and shape of a node's output. */
export interface OutputSpec {
  readonly type: DataType;
  readonly shape: Shape;
}

/** Options of {@link GraphBuilder.node}. */
export interface NodeOptions {
  /** Default: none. */
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Operator set: `''` is ONNX's own, `com.microsoft` ONNX Runtime's. Default `''`. */
  readonly domain?: '' | 'com.microsoft';
}

/** Version of ONNX's operator set that {@link GraphBuilder}'s own nodes are written for; later ones keep their meaning. */
export const baseOpset = 20;

/** Operators whose output is their input's memory in another shape. */
const views = new Set(['Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Identity']);

/** Constants of up to so many bytes are compared with one another; larger ones are parameters, which are added once. */
const comparedBytes = 2 ** 16;

/**
 * Builds an ONNX graph with static shapes. Nodes are added in topological order; those that no output
 * needs are left out when the graph is written. What is asked for twice is computed once: operators have no effects
 * beside their outputs, so equal nodes are one node, and small equal constants are one constant.
 */
export class GraphBuilder {
  readonly #nodes: NodeProto[] = [];
  readonly #values = new Map<string, Value>();
  readonly #constants = new Map<string, TensorProto>();
  readonly #shared = new Map<string, Value>();
  readonly #inputs: Value[] = [];
  readonly #outputs: Value[] = [];
  #next = 0;
  #opset = baseOpset;

  /** The graph's inputs so far, in order. */
  get inputs(): readonly Value[] {
    return this.#inputs;
  }

  /** The graph's outputs so far, in order. */
  get outputs(): readonly Value[] {
    return this.#outputs;
  }

  /** Declares an input of the graph. */
  input(name: string, type: DataType, shape: Shape): Value {
    const value = this.#declare({ name, type, shape });
    this.#inputs.push(value);
    return value;
  }

  /** Declares a value as an output of the graph, under a name of its own. */
  output(name: string, value: Value): Value {
    const output = this.#declare({ name, type: value.type, shape: value.shape });
    this.#nodes.push({ opType: 'Identity', input: [value.name], output: [name], attribute: [] });
    this.#outputs.push(output);
    return output;
  }

  /** A name that begins with `stem` and that nothing in this graph has. */
  unique(stem: string): string {
    this.#next += 1;
    return `${stem}_${this.#next}`;
  }

  /** A constant tensor. The array is kept, not copied, until the graph is written. */
  constant(type: DataType, shape: Shape, data: TensorData): Value {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    if (bytes.byteLength !== byteSize(type, shape)) {
      throw new TypeError(`a constant of shape [${shape.join(', ')}] can't have ${data.length} elements`);
    }
    const add = () => {
      const value = this.#declare({ name: this.unique('const'), type, shape, data });
      const tensor = { name: value.name, dims: [...shape], dataType: dataTypeCode(type), rawData: bytes };
      this.#constants.set(value.name, tensor);
      return value;
    };
    if (bytes.byteLength > comparedBytes) return add();
    return this.#share(`${type} ${shape.join()} ${bytes.toString('latin1')}`, add);
  }

  /** A float32 constant of rank 0. */
  scalar(value: number): Value {
    return this.constant('float32', [], Float32Array.of(value));
  }

  /** A vector of int64, as shapes, axes and slice bounds are given to nodes. */
  integers(...values: readonly number[]): Value {
    return this.constant('int64', [values.length], BigInt64Array.from(values, BigInt));
  }

  /**
   * Adds a node with one output.
   *
   * @param opType the operator, for instance `Conv`.
   * @param inputs in the operator's order; `undefined` leaves out an optional one.
   * @param output the element type and shape that the operator gives, which the caller knows.
   */
  node(
    opType: string,
    inputs: readonly (Value | undefined)[],
    { type, shape }: OutputSpec,
    { attributes = {}, domain = '' }: NodeOptions = {},
  ): Value {
    const input = inputs.map((each) => each?.name ?? '');
    return this.#share(JSON.stringify([opType, domain, input, type, shape, attributes]), () => {
      const value = this.#declare({ name: this.unique(opType), type, shape });
      const attribute = Object.entries(attributes).map(([name, each]) => toProto(name, each));
      this.#nodes.push({ opType, domain, input, output: [value.name], attribute });
      return value;
    });
  }

  /**
   * Takes over nodes and constants of another graph. Their names must not occur in this one.
   *
   * @param output the value of those nodes that this graph goes on with.
   * @param opset the version of ONNX's operator set that the nodes are written for, at least {@link baseOpset}.
   */
  adopt(nodes: readonly NodeProto[], constants: readonly TensorProto[], output: Value, opset: number): void {
    for (const constant of constants) this.#constants.set(constant.name ?? '', constant);
    this.#declare(output);
    this.#nodes.push(...nodes);
    this.#opset = Math.max(this.#opset, opset);
  }

  /**
   * Estimates how many bytes of intermediate tensors a run holds. ONNX Runtime plans buffers ahead and
   * keeps each for later tensors of exactly its size: the sum over sizes of the most tensors of that size
   * that are alive at once. Constants are not counted; tensors inside adopted graphs neither.
   */
  activationBytes(): number {
    const nodes = this.#reachable();
    const owner = new Map<string, string>();
    const rootOf = (name: string): string => owner.get(name) ?? name;
    for (const { opType, input, output } of nodes) {
      if (views.has(opType)) owner.set(output[0] ?? '', rootOf(input[0] ?? ''));
    }
    const lastUse = new Map<string, number>();
    nodes.forEach((node, i) => {
      for (const name of node.input) lastUse.set(rootOf(name), i);
    });
    for (const output of this.#outputs) lastUse.set(rootOf(output.name), nodes.length);

    const alive = new Map<number, number>();
    const most = new Map<number, number>();
    const count = (name: string, change: 1 | -1) => {
      const bytes = this.#bytes(name);
      const now = (alive.get(bytes) ?? 0) + change;
      alive.set(bytes, now);
      most.set(bytes, Math.max(most.get(bytes) ?? 0, now));
    };
    for (const { name } of this.#inputs) count(name, 1);
    nodes.forEach((node, i) => {
      for (const name of node.output) if (!owner.has(name)) count(name, 1);
      const done = new Set([...node.input, ...node.output].map(rootOf));
      for (const name of done) if ((lastUse.get(name) ?? i) === i) count(name, -1);
    });
    return [...most].reduce((sum, [bytes, tensors]) => sum + bytes * tensors, 0);
  }

  /** Bytes of the constants that the outputs need. */
  constantBytes(): number {
    const used = new Set(this.#reachable().flatMap(references));
    let sum = 0;
    for (const [name, { rawData }] of this.#constants) if (used.has(name)) sum += rawData?.byteLength ?? 0;
    return sum;
  }

  /** Writes the graph as the bytes of an .onnx file. */
  serialize(): Uint8Array {
    const nodes = this.#reachable();
    const used = new Set(nodes.flatMap(references));
    return encodeModel({
      irVersion: 9,
      producerName: 'deblur-stream',
      opsetImport: [
        { domain: '', version: this.#opset },
        { domain: 'com.microsoft', version: 1 },
      ],
      graph: {
        name: 'deblur',
        node: nodes,
        initializer: [...this.#constants.values()].filter((constant) => used.has(constant.name ?? '')),
        input: this.#inputs.map(valueInfo),
        output: this.#outputs.map(valueInfo),
      },
    });
  }

  /** The nodes that the outputs need, in order. */
  #reachable(): NodeProto[] {
    const needed = new Set(this.#outputs.map((output) => output.name));
    const kept: NodeProto[] = [];
    for (const node of [...this.#nodes].reverse()) {
      if (!node.output.some((name) => needed.has(name))) continue;
      kept.push(node);
      for (const name of references(node)) needed.add(name);
    }
    return kept.reverse();
  }

  /** Bytes of an intermediate tensor; 0 for constants and for tensors we know nothing of. */
  #bytes(name: string): number {
    const value = this.#values.get(name);
    return value && !value.data ? byteSize(value.type, value.shape) : 0;
  }

  #share(key: string, create: () => Value): Value {
    const existing = this.#shared.get(key);
    if (existing) return existing;
    const value = create();
    this.#shared.set(key, value);
    return value;
  }

  #declare(value: Value): Value {
    if (this.#values.has(value.name)) throw new TypeError(`two values of a graph are named ${value.name}`);
    this.#values.set(value.name, value);
    return value;
  }
}

/** Names that a node reads, including those its subgraphs take from outside. */
function references(node: NodeProto): string[] {
  const inner = node.attribute.flatMap((attribute) => [
    ...(attribute.graphs ?? []),
    ...(attribute.g ? [attribute.g] : []),
  ]);
  return [
    ...node.input,
    ...inner.flatMap((graph) => [...graph.node.flatMap(references), ...graph.output.map((output) => output.name)]),
  ];
}

/** `AttributeProto` with the number of its type in `AttributeProto.AttributeType`. */
function toProto(name: string, attribute: Attribute): AttributeProto {
  if ('float' in attribute) return { name, type: 1, f: attribute.float };
  if ('int' in attribute) return { name, type: 2, i: attribute.int };
  if ('string' in attribute) return { name, type: 3, s: Buffer.from(attribute.string) };
  if ('floats' in attribute) return { name, type: 6, floats: [...attribute.floats] };
  return { name, type: 7, ints: [...attribute.ints] };
}

function valueInfo({ name, type, shape }: Value): ValueInfoProto {
  const dim = shape.map((dimValue) => ({ dimValue }));
  return { name, type: { tensorType: { elemType: dataTypeCode(type), shape: { dim } } } };
}
