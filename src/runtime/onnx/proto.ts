import protobuf from 'protobufjs/light.js';

type Rule = 'repeated' | 'packed' | undefined;

/**
 * The messages of `onnx.proto` that we write and read, with the specification's field numbers. A message
 * that is only carried from a file into another one is declared as bytes.
 */
const root = protobuf.Root.fromJSON({
  nested: {
    StringStringEntry: message({ key: ['string', 1], value: ['string', 2] }),
    Tensor: message({
      dims: ['int64', 1, 'repeated'],
      dataType: ['int32', 2],
      floatData: ['float', 4, 'packed'],
      int32Data: ['int32', 5, 'packed'],
      stringData: ['bytes', 6, 'repeated'],
      int64Data: ['int64', 7, 'packed'],
      name: ['string', 8],
      rawData: ['bytes', 9],
      doubleData: ['double', 10, 'packed'],
      uint64Data: ['uint64', 11, 'packed'],
      externalData: ['StringStringEntry', 13, 'repeated'],
      dataLocation: ['int32', 14],
    }),
    Attribute: message({
      name: ['string', 1],
      f: ['float', 2],
      i: ['int64', 3],
      s: ['bytes', 4],
      t: ['Tensor', 5],
      g: ['Graph', 6],
      floats: ['float', 7, 'repeated'],
      ints: ['int64', 8, 'repeated'],
      strings: ['bytes', 9, 'repeated'],
      tensors: ['Tensor', 10, 'repeated'],
      graphs: ['Graph', 11, 'repeated'],
      tp: ['bytes', 14],
      type: ['int32', 20],
    }),
    Dimension: message({ dimValue: ['int64', 1], dimParam: ['string', 2] }),
    TensorShape: message({ dim: ['Dimension', 1, 'repeated'] }),
    TensorType: message({ elemType: ['int32', 1], shape: ['TensorShape', 2] }),
    Type: message({ tensorType: ['TensorType', 1] }),
    ValueInfo: message({ name: ['string', 1], type: ['Type', 2] }),
    Node: message({
      input: ['string', 1, 'repeated'],
      output: ['string', 2, 'repeated'],
      name: ['string', 3],
      opType: ['string', 4],
      attribute: ['Attribute', 5, 'repeated'],
      domain: ['string', 7],
    }),
    Graph: message({
      node: ['Node', 1, 'repeated'],
      name: ['string', 2],
      initializer: ['Tensor', 5, 'repeated'],
      input: ['ValueInfo', 11, 'repeated'],
      output: ['ValueInfo', 12, 'repeated'],
      sparseInitializer: ['bytes', 15, 'repeated'],
    }),
    OperatorSetId: message({ domain: ['string', 1], version: ['int64', 2] }),
    Model: message({
      irVersion: ['int64', 1],
      producerName: ['string', 2],
      graph: ['Graph', 7],
      opsetImport: ['OperatorSetId', 8, 'repeated'],
      functions: ['bytes', 25, 'repeated'],
    }),
  },
});

function message(fields: Record<string, readonly [type: string, id: number, rule?: Rule]>): protobuf.IType {
  return {
    fields: Object.fromEntries(
      Object.entries(fields).map(([name, [type, id, rule]]) => [
        name,
        rule === undefined ? { type, id } : { type, id, rule: 'repeated', options: { packed: rule === 'packed' } },
      ]),
    ),
  };
}

const Model = root.lookupType('Model');

/** A 64-bit integer: a number where we write it, possibly protobufjs' own object where it was read. */
export type Int64 = number | { toNumber(): number };

/** `TensorProto`. */
export interface TensorProto {
  name?: string;
  dims?: Int64[];
  dataType?: number;
  rawData?: Uint8Array;
  floatData?: number[];
  int32Data?: number[];
  int64Data?: Int64[];
  doubleData?: number[];
  externalData?: { key?: string; value?: string }[];
  dataLocation?: number;
}

/** `AttributeProto`. `type` says which of the others is meant. */
export interface AttributeProto {
  name: string;
  type: number;
  f?: number;
  i?: Int64;
  s?: Uint8Array;
  t?: TensorProto;
  g?: GraphProto;
  floats?: number[];
  ints?: Int64[];
  strings?: Uint8Array[];
  tensors?: TensorProto[];
  graphs?: GraphProto[];
}

/** `NodeProto`. An empty input name is an optional input left out. */
export interface NodeProto {
  opType: string;
  domain?: string;
  name?: string;
  input: string[];
  output: string[];
  attribute: AttributeProto[];
}

/** `ValueInfoProto`. */
export interface ValueInfoProto {
  name: string;
  type?: {
    tensorType?: { elemType?: number; shape?: { dim?: { dimValue?: Int64; dimParam?: string }[] } };
  };
}

/** `GraphProto`. */
export interface GraphProto {
  name?: string;
  node: NodeProto[];
  initializer: TensorProto[];
  input: ValueInfoProto[];
  output: ValueInfoProto[];
  sparseInitializer?: Uint8Array[];
}

/** `ModelProto`. */
export interface ModelProto {
  irVersion: Int64;
  producerName?: string;
  graph?: GraphProto;
  opsetImport: { domain?: string; version?: Int64 }[];
  functions?: Uint8Array[];
}

/** The bytes of an .onnx file. */
export function encodeModel(model: ModelProto): Uint8Array {
  return Model.encode(model).finish();
}

/**
 * Reads the bytes of an .onnx file. Absent repeated fields are empty arrays.
 *
 * @throws Error where the bytes are not such a message.
 */
export function decodeModel(bytes: Uint8Array): ModelProto {
  return Model.decode(bytes) as unknown as ModelProto;
}

/** A 64-bit integer as a number. */
export function toNumber(value: Int64): number {
  return typeof value === 'number' ? value : value.toNumber();
}
