import { baseOpset } from './graph.js';
import type { AttributeProto, GraphProto, NodeProto, TensorProto } from './proto.js';
import { toNumber } from './proto.js';
import { dataTypeCode } from './tensor.js';

/** Reductions whose axes were an attribute before operator set 18. */
const reductions = new Set([
  'ReduceMean',
  'ReduceMax',
  'ReduceMin',
  'ReduceProd',
  'ReduceL1',
  'ReduceL2',
  'ReduceLogSum',
  'ReduceLogSumExp',
  'ReduceSumSquare',
]);

/** Modes of GridSample that have other names since operator set 20. */
const gridModes = new Map([
  ['bilinear', 'linear'],
  ['bicubic', 'cubic'],
]);

/** Nodes in the words of {@link baseOpset}. */
export interface Upgraded {
  readonly nodes: NodeProto[];
  /** Constants that attributes became. */
  readonly constants: TensorProto[];
  /** Names of those constants. */
  readonly created: ReadonlySet<string>;
}

/**
 * Rewrites nodes of operator sets from 13 on where {@link baseOpset} wants something else: reductions take
 * their axes as an input and Split its number of outputs (18), GridSample names its modes otherwise (20).
 * The other operators kept their meaning.
 *
 * @param stem a name that no value begins with, for constants.
 */
export function upgrade(nodes: readonly NodeProto[], opset: number, stem: string): Upgraded {
  const constants: TensorProto[] = [];
  const upgradeGraph = (graph: GraphProto): GraphProto => ({ ...graph, node: graph.node.map(upgradeNode) });
  const upgradeNode = (node: NodeProto): NodeProto => {
    const inner: NodeProto = {
      ...node,
      attribute: node.attribute.map((attribute) => ({
        ...attribute,
        ...(attribute.g ? { g: upgradeGraph(attribute.g) } : {}),
        ...(attribute.graphs?.length ? { graphs: attribute.graphs.map(upgradeGraph) } : {}),
      })),
    };
    if (opset >= baseOpset || (node.domain && node.domain !== 'ai.onnx')) return inner;
    if (node.opType === 'GridSample') return { ...inner, attribute: inner.attribute.map(renameMode) };
    if (opset >= 18) return inner;
    if (reductions.has(node.opType)) {
      const axes = inner.attribute.find(({ name }) => name === 'axes')?.ints;
      if (!axes) return inner;
      const name = `${stem}_${constants.length}`;
      const data = BigInt64Array.from(axes, (axis) => BigInt(toNumber(axis)));
      constants.push({
        name,
        dims: [axes.length],
        dataType: dataTypeCode('int64'),
        rawData: new Uint8Array(data.buffer),
      });
      return {
        ...inner,
        input: [node.input[0] ?? '', name],
        attribute: inner.attribute.filter((a) => a.name !== 'axes'),
      };
    }
    if (node.opType === 'Split' && !node.input[1]) {
      return { ...inner, attribute: [...inner.attribute, { name: 'num_outputs', type: 2, i: node.output.length }] };
    }
    return inner;
  };
  const upgraded = nodes.map(upgradeNode);
  return { nodes: upgraded, constants, created: new Set(constants.map(({ name }) => name ?? '')) };
}

function renameMode(attribute: AttributeProto): AttributeProto {
  if (attribute.name !== 'mode' || !attribute.s) return attribute;
  const mode = gridModes.get(Buffer.from(attribute.s).toString());
  return mode === undefined ? attribute : { ...attribute, s: Buffer.from(mode) };
}
