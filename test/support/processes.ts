import { readdir, readFile } from 'node:fs/promises';

/** A running process. */
export interface RunningProcess {
  readonly parent: number;
  /** Its command line; arguments are parted by NUL. */
  readonly command: string;
}

/** The processes of this machine, where /proc tells (Linux); elsewhere none. */
export async function runningProcesses(): Promise<RunningProcess[]> {
  const entries = await readdir('/proc').catch(() => []);
  const read = async (id: string): Promise<RunningProcess[]> => {
    try {
      const [stat, command] = await Promise.all([
        readFile(`/proc/${id}/stat`, 'utf8'),
        readFile(`/proc/${id}/cmdline`, 'utf8'),
      ]);
      // The name in parentheses may hold spaces; the state and the parent follow it.
      return [{ parent: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]), command }];
    } catch {
      return [];
    }
  };
  return (await Promise.all(entries.filter((id) => /^\d+$/.test(id)).map(read))).flat();
}
