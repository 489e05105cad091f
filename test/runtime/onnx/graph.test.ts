import { describe, expect, it } from 'vitest';
import { GraphBuilder, type Value } from '../../../src/runtime/onnx/graph.js';

const shape = [1, 2, 3];
const type = 'float32';

function scaled(graph: GraphBuilder, x: Value, factor: number, attributes = {}): Value {
  const factors = graph.constant(type, shape, new Float32Array(6).fill(factor));
  return graph.node('Mul', [x, factors], { type, shape }, { attributes });
}

describe('a graph', () => {
  it('computes once what is asked for twice', () => {
    const graph = new GraphBuilder();
    const x = graph.input('x', type, shape);
    expect(scaled(graph, x, 2)).toBe(scaled(graph, x, 2));
    expect(graph.scalar(1)).toBe(graph.scalar(1));
    expect(graph.integers(1, 2)).toBe(graph.integers(1, 2));
    graph.output('y', scaled(graph, scaled(graph, x, 2), 2));
    expect(graph.constantBytes()).toBe(6 * 4);
  });

  it('takes nothing for equal that is not', () => {
    const graph = new GraphBuilder();
    const x = graph.input('x', type, shape);
    const different = [
      scaled(graph, x, 2),
      scaled(graph, x, -2),
      scaled(graph, graph.input('z', type, shape), 2),
      scaled(graph, x, 2, { axis: { int: 1 } }),
      scaled(graph, x, 2, { axis: { int: 2 } }),
      graph.constant(type, [6], new Float32Array(6).fill(2)),
      graph.constant('int32', [6], new Int32Array(6).fill(2)),
      graph.scalar(0),
      graph.scalar(-0),
    ];
    expect(new Set(different.map(({ name }) => name)).size).toBe(different.length);
  });

  it('compares no parameters', () => {
    const graph = new GraphBuilder();
    const large = () => graph.constant(type, [2 ** 15], new Float32Array(2 ** 15));
    expect(large().name).not.toBe(large().name);
  });
});
