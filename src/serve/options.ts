import { z } from 'zod';
import { checked } from '../checked.js';
import { packagePath } from '../package-root.js';
import { tokenPattern } from '../protocol/index.js';

const kibi = 2 ** 10;
const mebi = 2 ** 20;

/** What one connection may ask of the server. */
const limits = z.strictObject({
  /** Viewers at once. Default 128. */
  viewers: z.number().int().positive().default(128),
  /** Bytes of a JSON message. Default 64 KiB. */
  text: z
    .number()
    .int()
    .positive()
    .default(64 * kibi),
  /** Bytes of a binary message: a chunk of a camera. Default 4 MiB. */
  binary: z
    .number()
    .int()
    .positive()
    .default(4 * mebi),
  /** Messages a second; twice as many at once. Default 120. */
  rate: z.number().positive().default(120),
  /** Bytes a second; four times as many at once. Default 4 MiB. */
  bytes: z
    .number()
    .positive()
    .default(4 * mebi),
  /** Seconds without any message or pong until a viewer is cut. Default 30. */
  idle: z.number().positive().default(30),
  /** Seconds for the first message. Default 5. */
  hello: z.number().positive().default(5),
  /** Bytes that wait for one viewer before it loses a group of pictures. Default 4 MiB. */
  queue: z
    .number()
    .int()
    .positive()
    .default(4 * mebi),
  /** Connections and wrong tokens a minute that one address may try. Default 600 and 20. */
  connections: z.number().positive().default(600),
  wrongTokens: z.number().positive().default(20),
  /** HTTP requests a minute of one address. Default 1200. */
  requests: z.number().int().positive().default(1200),
  /** Bytes of an upload. Default 4 GiB. */
  upload: z
    .number()
    .int()
    .positive()
    .default(4 * 2 ** 30),
  /** Uploads at once. Default 4. */
  uploads: z.number().int().positive().default(4),
  /** Jobs that are known at once, finished ones too. Default 200. */
  jobs: z.number().int().positive().default(200),
});

const schema = z.strictObject({
  /** Address to listen on. Default 127.0.0.1: this machine only. */
  host: z.string().min(1).default('127.0.0.1'),
  /** Port to listen on, 0 for any. Default 8099. */
  port: z.number().int().min(0).max(65_535).default(8099),
  /** What a client must know. */
  token: z.string().regex(tokenPattern, 'a token has 16 to 256 letters, digits and . _ ~ -'),
  /** PEM files of a certificate and its key. Default: no TLS. */
  tls: z.strictObject({ cert: z.string().min(1), key: z.string().min(1) }).optional(),
  /** Origins of other sites whose pages may connect, such as `https://studio.example`. Default none. */
  origins: z.array(z.url()).default([]),
  /** Folder of videos that jobs may name, and that uploads, results and recordings go to. Default: no jobs. */
  root: z.string().min(1).optional(),
  /** Folder of the page. Default: the one that is built with this package. */
  page: z
    .string()
    .min(1)
    .default(() => packagePath('dist/web')),
  limits: limits.prefault({}),
});

/** What a server may be told; see {@link ServeSettings}. */
export type ServeSettingsInput = z.input<typeof schema>;
/** What a server is told, complete and checked. */
export type ServeSettings = z.output<typeof schema>;
/** What clients may ask of a server. */
export type Limits = ServeSettings['limits'];

/** Settings with their defaults. Throws `USAGE` that names what is wrong. */
export function serveSettings(input: ServeSettingsInput): ServeSettings {
  return checked(schema, input, 'A setting of the server is not right');
}
