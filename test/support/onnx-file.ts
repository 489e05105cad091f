import { writeFile } from 'node:fs/promises';
import { GraphBuilder } from '../../src/runtime/onnx/graph.js';
import type { NetworkStage } from '../../src/runtime/onnx/network-stage.js';
import { OnnxOps } from '../../src/runtime/onnx/onnx-ops.js';
import { stage } from './stages.js';

/** Writes a stage as a person's own ONNX file for pictures of one size. */
export async function writeOnnx(path: string, network: NetworkStage, height: number, width: number): Promise<void> {
  const graph = new GraphBuilder();
  graph.output('output', network.emit(graph, [graph.input('input', 'float32', [1, 3, height, width])]));
  await writeFile(path, graph.serialize());
}

/** Changes nothing, but takes about `billions` of multiplications per 100,000 pixels to do so. */
export function slow(billions: number): NetworkStage {
  return stage((graph, [frame]) => {
    if (!frame) throw new RangeError('no frame');
    const ops = new OnnxOps(graph);
    const channels = 64;
    const layer = (from: number, to: number) =>
      graph.constant('float32', [to, from, 3, 3], new Float32Array(to * from * 9));
    let x = ops.conv2d(frame, layer(3, channels), { padding: 1 });
    const layers = Math.ceil((billions * 1e9) / (channels ** 2 * 9 * 1e5));
    for (let i = 0; i < layers; i += 1) x = ops.conv2d(x, layer(channels, channels), { padding: 1 });
    return ops.add(frame, ops.conv2d(x, layer(channels, 3), { padding: 1 }));
  });
}
