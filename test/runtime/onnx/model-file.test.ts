import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../../src/runtime/onnx/graph.js';
import { readModelFile } from '../../../src/runtime/onnx/model-file.js';
import { encodeModel } from '../../../src/runtime/onnx/proto.js';
import type { AttributeProto, NodeProto, TensorProto } from '../../../src/runtime/onnx/proto.js';
import { OnnxSession, tensor } from '../../../src/runtime/onnx/session.js';

const float32 = 1;
const float16 = 10;

interface FileOptions {
  readonly opset?: number;
  readonly type?: number;
  readonly input?: (number | string)[];
  readonly output?: (number | string)[];
  readonly nodes: NodeProto[];
  readonly initializer?: TensorProto[];
}

function node(
  opType: string,
  input: string[],
  output: string[],
  attribute: AttributeProto[] = [],
  domain = '',
): NodeProto {
  return { opType, input, output, attribute, domain };
}

/** An .onnx file as an exporter writes it: dynamic sizes by name, its own operator set. */
function onnxFile(options: FileOptions): Uint8Array {
  const { opset = 17, type = float32, input = ['n', 3, 'h', 'w'], output = input, nodes, initializer = [] } = options;
  const info = (name: string, dims: (number | string)[]) => ({
    name,
    type: {
      tensorType: {
        elemType: type,
        shape: { dim: dims.map((dim) => (typeof dim === 'number' ? { dimValue: dim } : { dimParam: dim })) },
      },
    },
  });
  return encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: '', version: opset }],
    graph: { node: nodes, initializer, input: [info('image', input)], output: [info('result', output)] },
  });
}

/** Subtracts the mean of the channels: `image - mean(image, axis 1)`, in the words of operator set 17. */
const centre: NodeProto[] = [
  node('ReduceMean', ['image'], ['mean'], [{ name: 'axes', type: 7, ints: [1] }]),
  node('Sub', ['image', 'mean'], ['result']),
];

describe("a person's own ONNX file", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'deblur-onnx-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function stageOf(bytes: Uint8Array) {
    const path = join(folder, 'mine.onnx');
    await writeFile(path, bytes);
    return readModelFile(path);
  }

  /** Runs the file's network inside a graph of ours. */
  async function run(bytes: Uint8Array, height: number, width: number) {
    const stage = await stageOf(bytes);
    const count = stage.window.past + 1 + stage.window.future;
    const graph = new GraphBuilder();
    const frames = Array.from({ length: count }, (_, i) => graph.input(`frame${i}`, 'float32', [1, 3, height, width]));
    graph.output('restored', stage.emit(graph, frames));
    await using session = await OnnxSession.create(graph.serialize());
    const data = Array.from({ length: count }, (_, t) =>
      Float32Array.from({ length: 3 * height * width }, (_, i) => ((i * 7 + t * 31) % 256) / 255),
    );
    const feeds = Object.fromEntries(
      data.map((frame, t) => [`frame${t}`, tensor('float32', frame, [1, 3, height, width])]),
    );
    const { restored } = await session.run(feeds);
    return { frames: data, shape: restored?.dims, result: restored?.data as Float32Array };
  }

  function centred(picture: Float32Array): Float32Array {
    const size = picture.length / 3;
    return picture.map((value, i) => {
      const p = i % size;
      return value - ((picture[p] ?? 0) + (picture[p + size] ?? 0) + (picture[p + 2 * size] ?? 0)) / 3;
    });
  }

  function expectClose(actual: Float32Array, expected: Float32Array, tolerance = 1e-6) {
    expect(actual.length).toBe(expected.length);
    expect(actual.reduce((max, v, i) => Math.max(max, Math.abs(v - (expected[i] ?? NaN))), 0)).toBeLessThan(tolerance);
  }

  it('is taken over into our graph, with dynamic sizes and an older operator set', async () => {
    const { frames, shape, result } = await run(onnxFile({ nodes: centre }), 17, 33);
    expect(shape).toEqual([1, 3, 17, 33]);
    expectClose(result, centred(frames[0] ?? new Float32Array()));
  });

  it('runs tile by tile where it fixes a size, larger or smaller than the frame', async () => {
    for (const [height, width] of [
      [50, 90],
      [20, 20],
    ] as const) {
      const { frames, shape, result } = await run(onnxFile({ nodes: centre, input: [1, 3, 32, 24] }), height, width);
      expect(shape).toEqual([1, 3, height, width]);
      expectClose(result, centred(frames[0] ?? new Float32Array()));
    }
  });

  it('may compute in half precision', async () => {
    const { frames, result } = await run(onnxFile({ nodes: centre, type: float16 }), 16, 16);
    expectClose(result, centred(frames[0] ?? new Float32Array()), 2e-3);
  });

  it('may take a window of frames', async () => {
    const newest = [node('Gather', ['image', 'last'], ['result'], [{ name: 'axis', type: 2, i: 1 }])];
    const last: TensorProto = {
      name: 'last',
      dims: [],
      dataType: 7,
      rawData: new Uint8Array(BigInt64Array.of(2n).buffer),
    };
    const file = onnxFile({
      nodes: newest,
      initializer: [last],
      input: ['n', 3, 3, 'h', 'w'],
      output: ['n', 3, 'h', 'w'],
    });
    expect((await stageOf(file)).window).toEqual({ past: 1, future: 1 });
    const { frames, result } = await run(file, 10, 12);
    expect(result).toEqual(frames[2]);
  });

  it.each([
    ['is no ONNX file', Buffer.from('no model at all'), 'CHECKPOINT_INVALID', /can't be read|holds no/],
    ['is cut off', onnxFile({ nodes: centre }).subarray(0, 60), 'CHECKPOINT_INVALID', /can't be read|holds no/],
    ['is too old', onnxFile({ nodes: centre, opset: 11 }), 'FORMAT_UNSUPPORTED', /operator set 11/],
    ['takes bytes', onnxFile({ nodes: centre, type: 2 }), 'FORMAT_UNSUPPORTED', /image is uint8/],
    [
      'takes gray pictures',
      onnxFile({ nodes: centre, input: [1, 1, 'h', 'w'] }),
      'FORMAT_UNSUPPORTED',
      /\[1, 1, \?, \?\]/,
    ],
    [
      'needs operators of its own',
      onnxFile({ nodes: [node('Mine', ['image'], ['result'], [], 'my.domain')] }),
      'FORMAT_UNSUPPORTED',
      /Mine of my\.domain/,
    ],
    [
      'keeps its weights elsewhere',
      onnxFile({ nodes: centre, initializer: [{ name: 'w', dims: [1], dataType: 1, dataLocation: 1 }] }),
      'FORMAT_UNSUPPORTED',
      /separate file/,
    ],
  ])('that %s is refused by a sentence', async (_, bytes, code, message) => {
    await expect(stageOf(bytes)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });
});
