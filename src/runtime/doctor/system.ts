import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { manifest } from '../../package-root.js';

/** Free space of the disk that a folder is on. */
export interface DiskSpace {
  readonly folder: string;
  /** Bytes that this user may still write; undefined where the system does not say. */
  readonly free: number | undefined;
}

/** The machine and the process, as far as they matter to a run. */
export interface SystemFacts {
  readonly node: {
    readonly version: string;
    /** The range in package.json, for instance `>=20.19`. */
    readonly required: string;
    readonly supported: boolean;
  };
  readonly platform: { readonly name: string; readonly release: string; readonly arch: string };
  readonly cpu: {
    readonly model: string;
    /** Threads this process may use at once. */
    readonly threads: number;
    /** Vector extensions that decide how quick a network is on this CPU; Linux only, else empty. */
    readonly extensions: readonly string[];
  };
  readonly memory: {
    /** Bytes in the machine. */
    readonly total: number;
    /** Bytes this process can still get. */
    readonly available: number;
    /** Bytes the process's control group is limited to, undefined without a limit. */
    readonly limit: number | undefined;
  };
  readonly disks: readonly DiskSpace[];
}

/** Whether a version such as `20.19.1` is at least a minimum such as `>=20.19`. */
export function satisfiesMinimum(version: string, minimum: string): boolean {
  const parts = (text: string) => (/\d+(\.\d+)*/.exec(text)?.[0] ?? '').split('.').map(Number);
  const have = parts(version);
  for (const [i, want] of parts(minimum).entries()) {
    const difference = (have[i] ?? 0) - want;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

const extensionNames: Readonly<Record<string, string>> = {
  avx2: 'AVX2',
  avx512f: 'AVX-512',
  avx512_vnni: 'VNNI',
  amx_tile: 'AMX',
  asimd: 'NEON',
  sve: 'SVE',
};

function cpuExtensions(): string[] {
  let text: string;
  try {
    text = readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return [];
  }
  const flags = new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1]?.trim().split(/\s+/));
  return Object.entries(extensionNames).flatMap(([flag, name]) => (flags.has(flag) ? [name] : []));
}

async function diskSpace(folder: string): Promise<DiskSpace> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return { folder, free: bavail * bsize };
  } catch {
    return { folder, free: undefined };
  }
}

/** Looks at the machine and the process. */
export async function systemFacts(): Promise<SystemFacts> {
  const total = os.totalmem();
  const limit = process.constrainedMemory();
  const folders = [...new Set([process.cwd(), path.resolve(os.tmpdir())])];
  return {
    node: {
      version: process.versions.node,
      required: manifest.engines.node,
      supported: satisfiesMinimum(process.versions.node, manifest.engines.node),
    },
    platform: { name: process.platform, release: os.release(), arch: process.arch },
    cpu: {
      model: os.cpus()[0]?.model.trim() ?? 'unknown',
      threads: os.availableParallelism(),
      extensions: cpuExtensions(),
    },
    memory: {
      total,
      available: process.availableMemory(),
      // Without a control group's limit the system reports 0 or more than there is.
      limit: limit > 0 && limit < total ? limit : undefined,
    },
    disks: await Promise.all(folders.map(diskSpace)),
  };
}
