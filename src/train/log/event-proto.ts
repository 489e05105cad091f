import protobuf from 'protobufjs/light.js';

type Field = readonly [type: string, id: number, repeated?: 'repeated'];

/** The parts of TensorFlow's `event.proto`, `summary.proto` and `tensor.proto` that we write, with their field numbers. */
const root = protobuf.Root.fromJSON({
  nested: {
    Dimension: message({ size: ['int64', 1] }),
    TensorShape: message({ dim: ['Dimension', 2, 'repeated'] }),
    Tensor: message({ dtype: ['int32', 1], tensorShape: ['TensorShape', 2], stringVal: ['bytes', 8, 'repeated'] }),
    Image: message({
      height: ['int32', 1],
      width: ['int32', 2],
      colorspace: ['int32', 3],
      encodedImageString: ['bytes', 4],
    }),
    PluginData: message({ pluginName: ['string', 1], content: ['bytes', 2] }),
    Metadata: message({ pluginData: ['PluginData', 1] }),
    Value: message({
      tag: ['string', 1],
      simpleValue: ['float', 2],
      image: ['Image', 4],
      tensor: ['Tensor', 8],
      metadata: ['Metadata', 9],
    }),
    Summary: message({ value: ['Value', 1, 'repeated'] }),
    SessionLog: message({ status: ['int32', 1] }),
    Event: message({
      wallTime: ['double', 1],
      step: ['int64', 2],
      fileVersion: ['string', 3],
      summary: ['Summary', 5],
      sessionLog: ['SessionLog', 7],
    }),
  },
});

function message(fields: Record<string, Field>): protobuf.IType {
  return {
    fields: Object.fromEntries(
      Object.entries(fields).map(([name, [type, id, rule]]) => [name, rule ? { type, id, rule } : { type, id }]),
    ),
  };
}

const Event = root.lookupType('Event');

/** `Summary.Value`: one of the three kinds of value under its tag. */
export interface SummaryValue {
  tag: string;
  simpleValue?: number;
  image?: { height: number; width: number; colorspace: number; encodedImageString: Uint8Array };
  tensor?: { dtype: number; tensorShape: { dim: { size: number }[] }; stringVal: Uint8Array[] };
  metadata?: { pluginData: { pluginName: string; content?: Uint8Array } };
}

/** `Event`. */
export interface EventMessage {
  /** Seconds since 1970. */
  wallTime: number;
  step?: number;
  fileVersion?: string;
  summary?: { value: SummaryValue[] };
  sessionLog?: { status: number };
}

/** An event's bytes. */
export function encodeEvent(event: EventMessage): Uint8Array {
  return Event.encode(event).finish();
}

/**
 * Reads an event's bytes.
 * @throws Error where they are no such message.
 */
export function decodeEvent(bytes: Uint8Array): EventMessage {
  return Event.toObject(Event.decode(bytes), { longs: Number }) as EventMessage;
}
