import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { fileURLToPath } from 'node:url';
import { DeblurError } from '../../errors.js';

/** What a source's name stands for. `shown` names it without credentials, for messages and logs. */
export type SourceAddress =
  | NetworkAddress
  | { readonly kind: 'device'; readonly shown: string; readonly format: string; readonly name: string }
  | { readonly kind: 'file'; readonly shown: string; readonly path: string }
  | { readonly kind: 'browser'; readonly shown: string };

/** A stream of another machine, or one that arrives on a port of this one. */
export interface NetworkAddress {
  readonly kind: 'network';
  readonly shown: string;
  /** The address, credentials and all. */
  readonly url: string;
  readonly protocol: Protocol;
  /** Whoever asked for it may reach public machines only. */
  readonly publicOnly: boolean;
}

/** Who asks for a source, and what they may reach. */
export interface SourcePolicy {
  /** A viewer may name network addresses only. */
  readonly origin: 'owner' | 'viewer';
  /** Let a viewer's address lead to loopback, link-local and private networks. */
  readonly allowPrivate: boolean;
}

interface Protocol {
  /** FFmpeg's protocols that a connection may use, itself and underneath. */
  readonly allowed: string;
  readonly options: Readonly<Record<string, string>>;
  /** A viewer may name it: it connects to another machine, and opens no port of this one. */
  readonly forViewers: boolean;
}

/** Microseconds without a byte after which FFmpeg gives up; the connection's own watch is shorter. */
const patience = '20000000';

const tcp = { rw_timeout: patience };
const rtsp: Protocol = {
  allowed: 'rtsp,rtp,srtp,udp,tcp,tls,crypto',
  options: { rtsp_transport: 'tcp', timeout: patience },
  forViewers: true,
};
const rtmp: Protocol = { allowed: 'rtmp,rtmps,rtmpt,tcp,tls,crypto', options: tcp, forViewers: true };
const http: Protocol = { allowed: 'http,https,httpproxy,tcp,tls,crypto,data', options: tcp, forViewers: true };
// Datagrams have no time-out here: with one, FFmpeg's receiver does not notice that it is interrupted.
const datagrams: Protocol = { allowed: 'udp,rtp', options: { overrun_nonfatal: '1' }, forViewers: false };

const protocols: Readonly<Record<string, Protocol>> = {
  rtsp,
  rtsps: rtsp,
  rtmp,
  rtmps: rtmp,
  http,
  https: http,
  srt: { allowed: 'srt', options: { connect_timeout: '10000' }, forViewers: true },
  udp: datagrams,
  rtp: datagrams,
  tcp: { allowed: 'tcp', options: tcp, forViewers: false },
};

/** FFmpeg's capture formats by the prefix that names them. */
const captureFormats: readonly string[] = ['v4l2', 'avfoundation', 'dshow', 'gdigrab', 'x11grab'];

/** What a viewer may say behind the `?` of an `srt:` address; the rest could open a port or a file. */
const srtOptions = new Set(['streamid', 'passphrase', 'pbkeylen', 'latency', 'mode']);

/**
 * Understands a source's name and refuses what its asker may not reach.
 * @throws DeblurError `USAGE`, in words that name no secrets.
 */
export function parseSource(source: string, { origin, allowPrivate }: SourcePolicy): SourceAddress {
  const owner = origin === 'owner';
  if (source === 'browser') return { kind: 'browser', shown: "the browser's camera" };
  if (source.trim() === '' || hasControlCharacter(source)) {
    throw new DeblurError('USAGE', 'A source needs a name without control characters.');
  }
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(source)?.[1]?.toLowerCase();
  const protocol = scheme === undefined ? undefined : protocols[scheme];
  if (!owner && !protocol?.forViewers) {
    throw new DeblurError('USAGE', 'This source may only be chosen by who started the server.', {
      hint: `A viewer may name ${viewerSchemes().join(', ')} addresses.`,
    });
  }
  if (protocol) return networkAddress(source, protocol, !owner && !allowPrivate, owner);
  const device = deviceAddress(source);
  if (device) return device;
  if (scheme === 'file') {
    const path = fileURLToPath(source);
    return { kind: 'file', path, shown: path };
  }
  if (scheme !== undefined) {
    throw new DeblurError('USAGE', `Sources with ${scheme}: addresses are not supported.`, {
      hint: `Known are ${Object.keys(protocols).join(', ')}, capture devices and files.`,
    });
  }
  return { kind: 'file', path: source, shown: source };
}

function viewerSchemes(): string[] {
  return Object.entries(protocols).flatMap(([name, { forViewers }]) => (forViewers ? [`${name}:`] : []));
}

function hasControlCharacter(text: string): boolean {
  return [...text].some((character) => character < ' ' || character === '\u007f');
}

function networkAddress(url: string, protocol: Protocol, publicOnly: boolean, owner: boolean): NetworkAddress {
  const parsed = parseUrl(owner ? withHost(url) : url);
  if (!owner) checkViewersUrl(parsed);
  return { kind: 'network', url, shown: withoutSecrets(parsed), protocol, publicOnly };
}

/** FFmpeg also takes `udp://:1234`, `udp://@:1234` and `srt://:9000`, without a host: any of this machine's addresses. */
function withHost(url: string): string {
  return url.replace(/^(\w+:\/\/)@?(?=:\d)/, '$10.0.0.0');
}

function parseUrl(url: string): URL {
  try {
    return new URL(url);
  } catch {
    throw new DeblurError('USAGE', 'The address of the source is not a URL.');
  }
}

function checkViewersUrl({ protocol, hostname, search, searchParams }: URL): void {
  if (hostname === '') throw new DeblurError('USAGE', 'The address of the source names no host.');
  if (protocol === 'srt:') {
    for (const key of searchParams.keys()) {
      if (!srtOptions.has(key)) throw new DeblurError('USAGE', `A viewer's srt: address may not set "${key}".`);
    }
    const mode = searchParams.get('mode') ?? 'caller';
    if (mode !== 'caller') throw new DeblurError('USAGE', "A viewer's srt: address may only call another machine.");
  } else if (protocol.startsWith('rtsp') && search !== '' && !/^\?(tcp|udp)?$/.test(search)) {
    // FFmpeg takes words of its own there (listen, localaddr, …); what it does not know goes to the camera.
    const words = [...searchParams.keys()];
    const own = [
      'listen',
      'localaddr',
      'localrtpport',
      'localrtcpport',
      'sources',
      'block',
      'connect',
      'udp_multicast',
    ];
    const found = words.find((word) => own.includes(word));
    if (found !== undefined) throw new DeblurError('USAGE', `A viewer's rtsp: address may not set "${found}".`);
  } else if (protocol.startsWith('rtmp') && /[\s\\]|%20/i.test(search)) {
    throw new DeblurError('USAGE', "A viewer's rtmp: address may hold no spaces.");
  }
}

/** The address without user, password, query and fragment: each may hold a secret. */
function withoutSecrets({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`;
}

function deviceAddress(source: string): SourceAddress | undefined {
  if (/^\/dev\/video\d+$/.test(source)) return { kind: 'device', format: 'v4l2', name: source, shown: source };
  const match = /^(\w+):(?!\/\/)(.+)$/.exec(source);
  const [, prefix, name] = match ?? [];
  if (prefix === undefined || name === undefined || !captureFormats.includes(prefix)) return undefined;
  return { kind: 'device', format: prefix, name, shown: source };
}

/** Networks that are nobody's public machine (RFC 6890 and its successors). */
const reserved = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  reserved.addSubnet(net, bits, 'ipv4');
}

/** Only 2000::/3 is given out to machines; within it these lead elsewhere: documentation, and IPv4 inside. */
const global6 = new BlockList();
global6.addSubnet('2000::', 3, 'ipv6');
const special6 = new BlockList();
for (const [net, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
] as const) {
  special6.addSubnet(net, bits, 'ipv6');
}

/** Whether an IP address belongs to a machine that everyone can reach. */
export function isPublic(ip: string): boolean {
  if (isIP(ip) === 4) return !reserved.check(ip, 'ipv4');
  const bare = ip.replace(/%.*$/, '');
  return isIP(bare) === 6 && global6.check(bare, 'ipv6') && !special6.check(bare, 'ipv6');
}

/** What FFmpeg is to open, and how. */
export interface OpenRequest {
  readonly url: string;
  readonly options: Readonly<Record<string, string>>;
}

/**
 * What FFmpeg is to open for a network address. Where only public machines may be reached, the host's name is looked
 * up here and the connection goes to the address that was checked, not to what a second look-up might say; a stream
 * may not send the connection on to another place, neither by a redirection nor by a playlist.
 * @throws DeblurError `USAGE` when the host is not public, `INPUT_UNREADABLE` when it has no address.
 */
export async function openRequest({ url, protocol, publicOnly }: NetworkAddress): Promise<OpenRequest> {
  const options = { ...protocol.options, protocol_whitelist: protocol.allowed };
  if (!publicOnly) return { url, options };
  const parsed = new URL(url);
  const ip = await publicAddress(parsed.hostname.replace(/^\[|\]$/g, ''));
  const direct = {
    ...options,
    format_whitelist: 'rtsp,flv,live_flv,mpegts,h264,hevc,mov,mp4,matroska,webm,mjpeg,mpjpeg',
    max_redirects: '0',
  };
  const scheme = parsed.protocol.slice(0, -1);
  // From here on the address as it was understood: FFmpeg may read a strange one differently.
  const { href } = parsed;
  // A certificate is made out to the name, so these connect by it; the name proves itself in the handshake.
  if (['https', 'rtsps', 'rtmps'].includes(scheme)) return { url: href, options: { ...direct, tls_verify: '1' } };
  const host = isIP(ip) === 6 ? `[${ip}]` : ip;
  const pinned = href.replace(/^(\w+:\/\/(?:[^/?#]*@)?)(\[[^\]]*\]|[^/?#:]*)/, `$1${host}`);
  if (scheme === 'http') return { url: pinned, options: { ...direct, headers: `Host: ${parsed.host}\r\n` } };
  return { url: pinned, options: direct };
}

async function publicAddress(hostname: string): Promise<string> {
  let found: { address: string }[];
  try {
    found = await lookup(hostname, { all: true });
  } catch (cause) {
    throw new DeblurError('INPUT_UNREADABLE', "The source's host has no address.", { cause });
  }
  const [first] = found;
  if (!first || !found.every(({ address }) => isPublic(address))) {
    throw new DeblurError('USAGE', 'The source is in a private network, which viewers may not reach.', {
      hint: 'Whoever runs the server can allow it.',
    });
  }
  return first.address;
}
