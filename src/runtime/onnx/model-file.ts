import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { DeblurError } from '../../errors.js';
import { marginsFor } from '../../models/network.js';
import type { NetworkSizes } from '../../models/network.js';
import { baseOpset } from './graph.js';
import type { GraphBuilder, Value } from './graph.js';
import type { NetworkStage } from './network-stage.js';
import { OnnxOps } from './onnx-ops.js';
import { upgrade } from './opset.js';
import { decodeModel, toNumber } from './proto.js';
import type { GraphProto, ModelProto, NodeProto, ValueInfoProto } from './proto.js';
import { dataTypeCode, dataTypeOf } from './tensor.js';
import type { DataType } from './tensor.js';

/** Versions of ONNX's operator set whose nodes can be taken over. */
const opsets = { first: 13, last: 23 } as const;

/** What a person's own ONNX file takes and gives. */
interface Signature {
  readonly input: string;
  readonly output: string;
  readonly type: 'float32' | 'float16';
  /** Frames of a window; 1 for pictures `[N, 3, H, W]`, else the T of `[N, T, 3, H, W]`. */
  readonly frames: number;
  /** Whether the input has the axis of frames. */
  readonly windowed: boolean;
  /** Frames that the output has, where it has that axis. */
  readonly outputFrames: number | undefined;
  /** Height and width, where the file fixes them. */
  readonly height: number | undefined;
  readonly width: number | undefined;
}

/** As much as a U-Net of 64 channels holds at full resolution. */
const unknownBytesPerPixel = 4096;

/** Networks of unknown needs get sizes that nearly all of them take. */
const sizes: NetworkSizes = { multiple: 64, padding: 'reflect', placement: 'bottom-right' };

/**
 * Reads a person's own ONNX file as a stage whose nodes are taken over into the graph at hand, so that the
 * conversion of pixel formats stays in one session with it. The network must take RGB pictures
 * `[N, 3, H, W]`, or windows of an odd number of them `[N, T, 3, H, W]`, in [0, 1], as float32 or float16,
 * and give the restored picture, or as many pictures.
 *
 * @throws DeblurError `CHECKPOINT_INVALID` where the file is damaged; `FORMAT_UNSUPPORTED` that says what can't be taken.
 */
export async function readModelFile(path: string): Promise<NetworkStage> {
  const file = basename(path);
  const { model, graph } = await load(path, file);
  const opset = checkModel(model, graph, file);
  const signature = readSignature(graph, file);
  const inline = inliner(graph, signature, opset, file);
  const around = (signature.frames - 1) / 2;
  return {
    window: { past: around, future: around },
    multiple: sizes.multiple,
    reach: 'global',
    overlap: 64,
    bytesPerPixel: unknownBytesPerPixel,
    emit: (builder, frames) => emit(builder, frames, inline, signature),
  };
}

async function load(path: string, file: string): Promise<{ model: ModelProto; graph: GraphProto }> {
  let model: ModelProto;
  try {
    model = decodeModel(await readFile(path));
  } catch (cause) {
    throw new DeblurError('CHECKPOINT_INVALID', `${file} can't be read as an ONNX model.`, { cause });
  }
  if (!model.graph?.node.length) throw new DeblurError('CHECKPOINT_INVALID', `${file} holds no ONNX graph.`);
  return { model, graph: model.graph };
}

/** Refuses what can't be taken over; returns the file's version of ONNX's operator set. */
function checkModel(model: ModelProto, graph: GraphProto, file: string): number {
  const standard = model.opsetImport.find(({ domain }) => !domain || domain === 'ai.onnx');
  const opset = standard?.version === undefined ? 0 : toNumber(standard.version);
  if (opset < opsets.first || opset > opsets.last) {
    throw unsupported(
      file,
      `it is written for operator set ${opset}`,
      `Export it with an opset from ${opsets.first} to ${opsets.last}.`,
    );
  }
  if (model.functions?.length)
    throw unsupported(file, 'it defines functions of its own', 'Export it with functions inlined.');
  if (graph.sparseInitializer?.length) throw unsupported(file, 'it has sparse weights');
  const outside = graph.initializer.find((tensor) => tensor.dataLocation === 1);
  if (outside) {
    throw unsupported(file, 'it keeps weights in a separate file', 'Export it with the weights inside the .onnx file.');
  }
  const foreign = graph.node.find(({ domain }) => domain && domain !== 'ai.onnx' && domain !== 'com.microsoft');
  if (foreign)
    throw unsupported(file, `it uses ${foreign.opType} of ${foreign.domain}, which ONNX Runtime does not have`);
  return opset;
}

function readSignature(graph: GraphProto, file: string): Signature {
  const constants = new Set(graph.initializer.map((tensor) => tensor.name));
  const inputs = graph.input.filter(({ name }) => !constants.has(name));
  const [input] = inputs;
  const [output] = graph.output;
  if (!input || inputs.length > 1)
    throw unsupported(file, `it takes ${inputs.length} inputs (${names(inputs)}) where one is needed`);
  if (!output || graph.output.length > 1) {
    throw unsupported(file, `it gives ${graph.output.length} outputs (${names(graph.output)}) where one is needed`);
  }
  const type = dataTypeOf(input.type?.tensorType?.elemType ?? 0);
  if (type !== 'float32' && type !== 'float16') {
    throw unsupported(file, `its input ${input.name} is ${type ?? 'of an unknown type'}, not float32 or float16`);
  }
  const shape = dimensions(input);
  const windowed = shape.length === 5;
  const [frames, channels, height, width] = windowed ? shape.slice(1) : [1, ...shape.slice(1)];
  if ((shape.length !== 4 && !windowed) || (channels ?? 3) !== 3 || frames === undefined || frames % 2 === 0) {
    const shown = shape.map((size) => size ?? '?').join(', ');
    throw unsupported(file, `its input ${input.name} is [${shown}], not [N, 3, H, W] or [N, T, 3, H, W] with an odd T`);
  }
  const outputShape = dimensions(output);
  const outputFrames = outputShape.length === 5 ? outputShape[1] : undefined;
  if (outputShape.length === 5 && outputFrames !== 1 && outputFrames !== frames) {
    throw unsupported(file, `its output ${output.name} has ${outputFrames ?? 'an unknown number of'} frames`);
  }
  return { input: input.name, output: output.name, type, frames, windowed, outputFrames, height, width };
}

/** Adds the file's network to a graph: at once, or tile by tile where the file fixes a smaller size. */
function emit(builder: GraphBuilder, frames: readonly Value[], inline: Inline, { height, width }: Signature): Value {
  const ops = new OnnxOps(builder);
  const [first] = frames;
  if (!first) throw new TypeError('a network needs a frame');
  const [, , rows = 0, columns = 0] = first.shape;
  const free = marginsFor(sizes, rows, columns);
  const bottom = height === undefined ? free.bottom : Math.max(0, height - rows);
  const right = width === undefined ? free.right : Math.max(0, width - columns);
  const padded = frames.map((frame) => ops.pad(frame, { top: 0, left: 0, bottom, right }, sizes.padding));
  const run = inline(builder);
  const cut = (x: Value, axis: 2 | 3, start: number, length: number) =>
    ops.slice(x, { axis, start, end: start + length });
  const bands = tiles(rows + bottom, height ?? rows + bottom).map((row) => {
    const cells = tiles(columns + right, width ?? columns + right).map((column) => {
      const parts = padded.map((x) => cut(cut(x, 2, row.start, row.size), 3, column.start, column.size));
      return cut(cut(run(parts), 2, row.from, row.keep), 3, column.from, column.keep);
    });
    return ops.concat(cells, 3);
  });
  return cut(cut(ops.concat(bands, 2), 2, 0, rows), 3, 0, columns);
}

/** One tile along an axis: where it lies, and which of its samples are kept. */
interface Tile {
  readonly start: number;
  readonly size: number;
  readonly from: number;
  readonly keep: number;
}

/** Tiles of a fixed size that cover a length; an eighth of each is dropped where it meets its neighbour. */
function tiles(length: number, size: number): Tile[] {
  const margin = size >> 3;
  const result: Tile[] = [];
  for (let covered = 0; covered < length;) {
    const start = Math.max(0, Math.min(covered - margin, length - size));
    const end = start + size === length ? length : start + size - margin;
    result.push({ start, size, from: covered - start, keep: end - covered });
    covered = end;
  }
  return result;
}

/** Takes the file's nodes into a builder; each call of the result adds them once more, on the same constants. */
type Inline = (builder: GraphBuilder) => (frames: readonly Value[]) => Value;

function inliner(graph: GraphProto, signature: Signature, opset: number, file: string): Inline {
  return (builder) => {
    const prefix = builder.unique(file);
    const shared = new Set(graph.initializer.map(({ name }) => name ?? ''));
    const constants = graph.initializer.map((tensor) => ({ ...tensor, name: `${prefix}/${tensor.name}` }));
    const upgraded = upgrade(graph.node, opset, `${prefix}/axes`);
    return (frames) => {
      const copy = builder.unique(prefix);
      const input = packFrames(builder, frames, signature);
      const rename = (name: string) => {
        if (name === '') return name;
        if (name === signature.input) return input.name;
        return shared.has(name) ? `${prefix}/${name}` : upgraded.created.has(name) ? name : `${copy}/${name}`;
      };
      const [n = 1, , height = 0, width = 0] = frames[0]?.shape ?? [];
      const count = signature.outputFrames;
      const shape = count === undefined ? [n, 3, height, width] : [n, count, 3, height, width];
      const output: Value = { name: rename(signature.output), type: signature.type, shape };
      builder.adopt(
        upgraded.nodes.map((node) => renamed(node, rename)),
        [...constants, ...upgraded.constants],
        output,
        Math.max(opset, baseOpset),
      );
      return unpackFrame(builder, output, count);
    };
  };
}

/** Frames as the file's input: cast, and stacked along the axis of frames where it has one. */
function packFrames(builder: GraphBuilder, frames: readonly Value[], { type, windowed }: Signature): Value {
  const ops = new OnnxOps(builder);
  const [first] = frames;
  if (!first) throw new TypeError('a network needs a frame');
  const [n = 1, ...picture] = first.shape;
  const stacked = windowed
    ? ops.concat(
        frames.map((frame) => ops.reshape(frame, [n, 1, ...picture])),
        1,
      )
    : first;
  return cast(builder, stacked, type);
}

/** The restored frame of the file's output: the middle one where it gives several. */
function unpackFrame(builder: GraphBuilder, output: Value, frames: number | undefined): Value {
  const ops = new OnnxOps(builder);
  const result = cast(builder, output, 'float32');
  if (frames === undefined) return result;
  const middle = (frames - 1) / 2;
  const [n = 1, , ...picture] = result.shape;
  return ops.reshape(ops.slice(result, { axis: 1, start: middle, end: middle + 1 }), [n, ...picture]);
}

function cast(builder: GraphBuilder, x: Value, type: DataType): Value {
  if (x.type === type) return x;
  return builder.node('Cast', [x], { type, shape: x.shape }, { attributes: { to: { int: dataTypeCode(type) } } });
}

/** A node with other names, down into its subgraphs. */
function renamed(node: NodeProto, rename: (name: string) => string): NodeProto {
  const graphOf = (graph: GraphProto): GraphProto => ({
    ...graph,
    node: graph.node.map((inner) => renamed(inner, rename)),
    initializer: graph.initializer.map((tensor) => ({ ...tensor, name: rename(tensor.name ?? '') })),
    input: graph.input.map((info) => ({ ...info, name: rename(info.name) })),
    output: graph.output.map((info) => ({ ...info, name: rename(info.name) })),
  });
  return {
    ...node,
    name: '',
    input: node.input.map(rename),
    output: node.output.map(rename),
    attribute: node.attribute.map((attribute) => ({
      ...attribute,
      ...(attribute.g ? { g: graphOf(attribute.g) } : {}),
      ...(attribute.graphs?.length ? { graphs: attribute.graphs.map(graphOf) } : {}),
    })),
  };
}

function dimensions(info: ValueInfoProto): (number | undefined)[] {
  const dims = info.type?.tensorType?.shape?.dim ?? [];
  return dims.map(({ dimValue }) => {
    const size = dimValue === undefined ? 0 : toNumber(dimValue);
    return size > 0 ? size : undefined;
  });
}

function names(infos: readonly ValueInfoProto[]): string {
  return infos.map(({ name }) => name).join(', ');
}

function unsupported(file: string, why: string, hint?: string): DeblurError {
  return new DeblurError('FORMAT_UNSUPPORTED', `${file} can't be used as a network: ${why}.`, { hint });
}
