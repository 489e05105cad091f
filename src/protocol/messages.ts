import { z } from 'zod';
import { job } from './job.js';
import { liveState, liveStatistics } from './live-state.js';

/** A client's number for a request; the answer, `done`, `snapshot` or `error`, carries it. */
const requestId = z.number().int().nonnegative();
const name = z.string().min(1).max(256);

/** The first message of a client, within the time the server gives for it. */
const clientHello = z.strictObject({
  type: z.literal('hello'),
  /** {@link PROTOCOL_VERSION} of the client. */
  protocol: z.number().int(),
  /** The token, unless it came with the handshake. */
  token: z.string().max(256).optional(),
  /** Name and version of the client, for the log. */
  client: z.string().max(128).optional(),
  /** Whether to send the stream; false is for one who only wants to know, as of jobs. Default true. */
  media: z.boolean().default(true),
});

/** Changes what is shown, for every viewer. Answered by `done` or `error`. */
const control = z.strictObject({
  type: z.literal('control'),
  id: requestId.optional(),
  model: name.optional(),
  /** null is no translator. */
  translator: name.nullable().optional(),
  strength: z.number().min(0).max(1).optional(),
  paused: z.boolean().optional(),
});

/** Asks for a keyframe soon, as after an error of the decoder. */
const keyframe = z.strictObject({ type: z.literal('keyframe') });

/** Asks for the newest frame as PNG. Answered by `snapshot` or `error`. */
const snapshotRequest = z.strictObject({ type: z.literal('snapshot'), id: requestId });

/** Begins or ends a recording in the server's folder. Answered by `done` or `error`. */
const record = z.strictObject({ type: z.literal('record'), id: requestId.optional(), recording: z.boolean() });

/** Shows another source to all viewers, where the owner lets them. Answered by `done` or `error`. */
const sourceRequest = z.strictObject({
  type: z.literal('source'),
  id: requestId.optional(),
  /** A network address, or `browser` for a viewer's camera. */
  source: z.string().min(1).max(2048),
});

/** How a client encodes its camera. */
export const cameraFormats = ['mediarecorder', 'webcodecs'] as const;

/** Says that binary messages of kind `camera` follow. Answered by `done` or `error`. */
const cameraBegin = z.strictObject({
  type: z.literal('camera'),
  action: z.literal('begin'),
  id: requestId.optional(),
  /**
   * `mediarecorder`: the messages, put together, are a file of type `mime`. `webcodecs`: each is one chunk of
   * `VideoEncoder`, with its timestamp as pts.
   */
  format: z.enum(cameraFormats),
  /** MediaRecorder's type, such as `video/webm;codecs=vp8`. */
  mime: z.string().max(128).optional(),
  /** WebCodecs' name of the codec, such as `avc1.42001f` or `vp8`. */
  codec: z.string().max(64).optional(),
  /** WebCodecs' decoder description (an avcC box's payload) in base64; Annex B without. */
  description: z.base64().max(65_536).optional(),
  width: z.number().int().positive().max(16_384),
  height: z.number().int().positive().max(16_384),
  /** Frames per second, as the camera promises. */
  fps: z.number().positive().max(1000).optional(),
});

/** Says that no more binary messages of kind `camera` follow. */
const cameraEnd = z.strictObject({ type: z.literal('camera'), action: z.literal('end'), id: requestId.optional() });

/** Answered by `pong`: keeps the connection, and tells the difference of the clocks. */
const ping = z.strictObject({
  type: z.literal('ping'),
  /** The client's clock in milliseconds since the epoch. */
  time: z.number(),
});

/** Every JSON message that a client may send. Unknown keys are refused. */
export const clientMessage = z.discriminatedUnion('type', [
  clientHello,
  control,
  keyframe,
  snapshotRequest,
  record,
  sourceRequest,
  z.discriminatedUnion('action', [cameraBegin, cameraEnd]),
  ping,
]);

/** A JSON message from a client, as the server reads it. */
export type ClientMessage = z.output<typeof clientMessage>;
/** A JSON message from a client, as it writes it. */
export type ClientMessageInput = z.input<typeof clientMessage>;
/** `camera` with `begin`. */
export type CameraBegin = z.output<typeof cameraBegin>;
/** What `control` changes. */
export type ControlChange = Omit<z.output<typeof control>, 'type' | 'id'>;

/** A model that a viewer may choose. */
export const modelChoice = z.object({ name: z.string(), title: z.string() });

/** A model that a viewer may choose. */
export type ModelChoice = z.output<typeof modelChoice>;

/** The server's answer to `hello`, once; `state` follows, and the stream where there is one. */
const serverHello = z.object({
  type: z.literal('hello'),
  /** {@link PROTOCOL_VERSION} of the server. */
  protocol: z.number().int(),
  /** Name and version of the server. */
  server: z.string(),
  /** This connection, for the log. */
  viewer: z.string(),
  /** The server's clock in milliseconds since the epoch, which `captured` is by. */
  time: z.number(),
  /** What the source is, for a person; undefined where the server has jobs only. */
  source: z.string().optional(),
  /** What viewers may choose of. */
  models: z.array(modelChoice),
  translators: z.array(modelChoice),
  /** What this viewer may do. */
  may: z.object({
    control: z.boolean(),
    snapshot: z.boolean(),
    /** Record into the server's folder. */
    record: z.boolean(),
    /** Send its own camera. */
    camera: z.boolean(),
    /** Choose another source. */
    source: z.boolean().default(false),
    jobs: z.boolean(),
  }),
  limits: z.object({
    /** Bytes of a JSON message, and of a binary one. */
    text: z.number().int(),
    binary: z.number().int(),
    /** Messages a second, lately. */
    rate: z.number(),
    /** Seconds without any message or pong after which the server closes. */
    idle: z.number(),
    /** Bytes of an upload. */
    upload: z.number().int(),
  }),
});

/** The source is another one now. */
const sourceChange = z.object({
  type: z.literal('source'),
  /** What it is, for a person. */
  source: z.string(),
  /** Whether viewers may send their camera now. */
  camera: z.boolean(),
});

const state = z.object({ type: z.literal('state'), state: liveState });

const statistics = z.object({
  type: z.literal('statistics'),
  statistics: liveStatistics,
  /** Fragments that this viewer lost because its connection was too slow. */
  skipped: z.number().int().nonnegative(),
});

/** Something was refused or went wrong; the connection goes on unless it is closed. */
const error = z.object({
  type: z.literal('error'),
  /** The request it answers. */
  id: requestId.optional(),
  /** A word for programs: one of DeblurError's, or of {@link wireErrorCodes}. */
  code: z.string(),
  /** A sentence for people. */
  message: z.string(),
  hint: z.string().optional(),
});

/** Codes of `error` that are the connection's own. */
export const wireErrorCodes = ['BAD_MESSAGE', 'NOT_ALLOWED', 'TOO_MANY', 'BUSY', 'INTERNAL'] as const;

const done = z.object({
  type: z.literal('done'),
  id: requestId,
  /** Name of the file, when a recording began. */
  file: z.string().optional(),
});

/** Asks the client that sends its camera for a keyframe, because what it sent could not be used. */
const cameraRequest = z.object({ type: z.literal('camera'), request: z.literal('keyframe') });

const jobChange = z.object({ type: z.literal('job'), job });

const jobGone = z.object({ type: z.literal('job-gone'), id: z.string() });

/** Original and result of one frame as PNG, in base64. */
const snapshot = z.object({
  type: z.literal('snapshot'),
  id: requestId,
  original: z.string(),
  result: z.string(),
});

const pong = z.object({
  type: z.literal('pong'),
  /** What `ping` said. */
  time: z.number(),
  /** The server's clock in milliseconds since the epoch. */
  server: z.number(),
});

/** Every JSON message that a server sends. Unknown keys are left out. */
export const serverMessage = z.discriminatedUnion('type', [
  serverHello,
  sourceChange,
  state,
  statistics,
  error,
  done,
  cameraRequest,
  jobChange,
  jobGone,
  snapshot,
  pong,
]);

/** A JSON message from a server. */
export type ServerMessage = z.output<typeof serverMessage>;
/** The server's `hello`. */
export type ServerHello = z.output<typeof serverHello>;
