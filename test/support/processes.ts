import { readdir, readFile } from 'node:fs/promises';

/** A running process. */
export interface RunningProcess {
  readonly parent: number;
  /** Its command line; arguments are parted by NUL. */
  readonly command: string;
  /** How often the system had to give it a page of memory (minor faults). */
  readonly faults: number;
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
      // The name in parentheses may hold spaces; the state and the parent follow it, and five more before the faults.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return [{ parent: Number(fields[1]), command, faults: Number(fields[7]) }];
    } catch {
      return [];
    }
  };
  return (await Promise.all(entries.filter((id) => /^\d+$/.test(id)).map(read))).flat();
}
