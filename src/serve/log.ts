import { pino, type DestinationStream, type Logger } from 'pino';

/** Options of {@link createLog}. */
export interface LogOptions {
  /** The least that is told. Default `info`. */
  level?: string;
  /** What must never be told, wherever it turns up. */
  secrets?: readonly string[];
  /** Where lines go. Default: standard error. */
  destination?: DestinationStream;
}

/** The part of an address that may hold a name and a password. */
const credentials = /([a-z][a-z0-9+.-]*:\/\/)[^\s/@"\\]+@/gi;

/** JSON lines of what happens, without tokens or credentials. */
export function createLog({ level = 'info', secrets = [], destination }: LogOptions = {}): Logger {
  return pino(
    {
      name: 'deblur',
      level,
      base: undefined,
      redact: {
        paths: ['token', '*.token', 'headers', '*.headers', 'authorization', '*.authorization'],
        censor: '[redacted]',
      },
      hooks: {
        streamWrite: (line) => {
          let clean = line.replace(credentials, '$1');
          for (const secret of secrets) clean = clean.replaceAll(secret, '[redacted]');
          return clean;
        },
      },
    },
    destination ?? pino.destination({ dest: 2, sync: true }),
  );
}

/** A source as viewers may know it: without path, query, name or password, which may all be secrets. */
export function describeSource(source: string): string {
  const address = /^([a-z][a-z0-9+.-]*):\/\/(?:[^/@?#]*@)?([^/?#]*)/i.exec(source);
  if (address) return `${address[1]}://${address[2]}`;
  return source.split(/[\\/]/).at(-1) ?? source;
}
