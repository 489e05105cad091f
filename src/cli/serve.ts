import { Command, InvalidArgumentError, Option } from 'commander';
import { DeblurError } from '../errors.js';
import { LiveSession, type LiveOptions } from '../live/index.js';
import { lightestModel } from '../models/catalogue.js';
import { tokenPattern } from '../protocol/index.js';
import {
  LiveServer,
  SwitchedFeed,
  createLog,
  describeSource,
  isLoopback,
  newToken,
  type Limits,
  type LiveServerOptions,
} from '../serve/index.js';
import { interruptSignal } from './exit.js';
import { byteCount, count, fraction } from './numbers.js';

/** The options of `deblur serve` as commander hands them over. */
interface ServeFlags {
  model: string;
  translate?: string;
  strength: number;
  provider?: string;
  threads?: number;
  fixed?: boolean;
  size?: { width: number; height: number };
  crf?: number;
  loop?: boolean;
  record?: string;
  host: string;
  port: number;
  token?: string;
  tlsCert?: string;
  tlsKey?: string;
  origin?: string[];
  viewerSources?: boolean;
  allowPrivate?: boolean;
  root?: string;
  maxViewers?: number;
  maxUpload?: number;
  idle?: number;
  logLevel: string;
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535) throw new InvalidArgumentError('A number from 0 to 65535 is expected.');
  return value;
}

function size(text: string): { width: number; height: number } {
  const [, width, height] = /^(\d+)x(\d+)$/.exec(text) ?? [];
  if (!Number(width) || !Number(height)) throw new InvalidArgumentError('It is written WIDTHxHEIGHT.');
  return { width: Number(width), height: Number(height) };
}

function secret(text: string): string {
  if (!tokenPattern.test(text)) throw new InvalidArgumentError('A token has 16 to 256 letters, digits and . _ ~ -');
  return text;
}

function several(text: string, previous: string[] = []): string[] {
  return [...previous, text];
}

/** Leaves out what is undefined, so that a default stays one. */
function given<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function liveOptions(source: string, flags: ServeFlags): LiveOptions {
  const { model, translate: translator, strength, provider, threads, fixed, size: within, crf, loop, record } = flags;
  const { allowPrivate } = flags;
  const network = { model, translator, strength, provider, threads, fixed };
  return given({ source, ...network, size: within, crf, loop, record, allowPrivate });
}

function serverOptions(source: string | undefined, token: string, flags: ServeFlags): LiveServerOptions {
  const { host, port: number, tlsCert, tlsKey, origin, root, model, translate: translator } = flags;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new DeblurError('USAGE', 'TLS needs both --tls-cert and --tls-key.');
  }
  const tls = tlsCert !== undefined && tlsKey !== undefined ? { cert: tlsCert, key: tlsKey } : undefined;
  const limits: Partial<Limits> = given({ viewers: flags.maxViewers, upload: flags.maxUpload, idle: flags.idle });
  return given({
    ...{ host, port: number, token, tls, origins: origin, root, model, translator, limits },
    source: source === undefined ? undefined : describeSource(source),
    camera: source === 'browser',
  });
}

function warnOfNetwork({ host, tlsCert }: ServeFlags): void {
  if (isLoopback(host) || tlsCert !== undefined) return;
  process.stderr.write(
    'Pictures and the token travel unencrypted: give --tls-cert and --tls-key, or put a proxy with TLS before it. ' +
      'A browser opens its camera on such a page only on this machine.\n',
  );
}

async function serve(source: string | undefined, flags: ServeFlags): Promise<void> {
  if (source === undefined && flags.root === undefined) {
    throw new DeblurError('USAGE', 'There is nothing to serve.', {
      hint: 'Give a source (see "deblur devices"), "browser" for the page’s own camera, or --root FOLDER for jobs.',
    });
  }
  const signal = interruptSignal();
  const token = flags.token ?? newToken();
  const options = serverOptions(source, token, flags);
  const log = createLog({ level: flags.logLevel, secrets: [token] });
  // Its end is the end of a recording, too, which can then be played.
  await using feed = source === undefined ? undefined : await openFeed(source, flags, signal);
  const changeSource = feed && flags.viewerSources ? (asked: string) => feed.change(asked) : undefined;
  await using server = await LiveServer.open(given({ ...options, feed, changeSource, log }));
  warnOfNetwork(flags);
  process.stdout.write(`${server.link}\n`);
  log.info({ url: server.url, source: options.source, root: flags.root }, 'listening');
  await fired(signal);
  log.info('stopping');
}

async function openFeed(source: string, flags: ServeFlags, signal: AbortSignal): Promise<SwitchedFeed> {
  const session = await LiveSession.open(liveOptions(source, flags), signal);
  return new SwitchedFeed(session, async (asked, { model, translator, strength }) => {
    const options = liveOptions(asked, { ...flags, record: undefined, loop: undefined });
    const present = given({ model, translator, strength });
    return LiveSession.open({ ...options, ...present, origin: 'viewer' }, signal);
  });
}

function fired(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener(
      'abort',
      () => {
        resolve();
      },
      { once: true },
    );
  });
}

/** `deblur serve [SOURCE]`: shows a live source in browsers, and runs jobs. */
export function serveCommand(): Command {
  return new Command('serve')
    .description('deblur a camera, a stream or a file live, and show it in browsers; run jobs on files')
    .argument(
      '[source]',
      'an address (rtsp:, rtmp:, srt:, udp:, http:, …), a device of "deblur devices", a file, or "browser" for the page’s camera; none to run jobs only',
    )
    .optionsGroup('Deblurring:')
    .option('-m, --model <name>', 'a name of "deblur models", a file, or "none"', lightestModel)
    .option('--translate <file>', 'a model that translates the camera’s blur first')
    .option('--strength <0..1>', 'how much of the result to show: 0 is the source', fraction, 1)
    .option('--provider <name>', 'of ONNX Runtime: cpu, cuda, webgpu, coreml, dml, … or auto')
    .option('--threads <n>', 'threads for the network', count)
    .option('--fixed', 'keep model and size, however slow the machine')
    .option('--size <WxH>', 'make pictures smaller to fit in here (default: 1280x720)', size)
    .optionsGroup('Source and stream:')
    .option('--loop', 'play a file again when it ends')
    .option('--record <file>', 'record the result from the start')
    .option('--crf <n>', 'quality of the stream, 0 to 51, lower is better (default: 23)', Number)
    .option('--viewer-sources', 'let viewers choose another source: a public network address')
    .option('--allow-private', 'let these addresses lead into private networks, too')
    .optionsGroup('Server:')
    .option('--host <address>', 'address to listen on; another than this lets other machines in', '127.0.0.1')
    .option('--port <n>', 'port to listen on, 0 for any', port, 8099)
    .addOption(
      new Option('--token <text>', 'what viewers must know (default: a new one each time)')
        .env('DEBLUR_TOKEN')
        .argParser(secret),
    )
    .option('--tls-cert <file>', 'certificate for TLS, PEM')
    .option('--tls-key <file>', 'its key, PEM')
    .option('--origin <url>', 'a site whose pages may connect; may be given often', several)
    .option('--max-viewers <n>', 'viewers at once (default: 128)', count)
    .option('--idle <seconds>', 'cut a viewer of whom nothing is heard for so long (default: 30)', count)
    .addOption(
      new Option('--log-level <level>', 'the least to log on standard error')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    )
    .optionsGroup('Jobs:')
    .option('--root <folder>', 'take jobs on the videos in here; uploads, results and recordings go below it')
    .option('--max-upload <size>', 'largest upload (default: 4G)', byteCount)
    .action(serve);
}
