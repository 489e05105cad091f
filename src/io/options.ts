import * as z from 'zod';
import { DeblurError } from '../errors.js';
import type { ReaderOptions, WriterOptions } from './video.js';

const engine = z.enum(['node-av', 'ffmpeg']).default('node-av');
const signal = z.instanceof(AbortSignal).optional();
const name = z.string().min(1);

const readerSchema = z.strictObject({
  engine,
  format: name.optional(),
  strict: z.boolean().default(false),
  signal,
});

const writerSchema = z.strictObject({
  codec: name.optional(),
  crf: z.number().min(-1).max(1000).optional(),
  preset: name.optional(),
  format: name.optional(),
  encoderOptions: z.record(name, z.string()).optional(),
  container: name.optional(),
  overwrite: z.boolean().default(false),
  threads: z.int().min(0).max(1024).default(0),
  signal,
});

/** Reader options with the defaults filled in. Throws `USAGE` that names the option. */
export function checkReaderOptions(
  options: ReaderOptions,
): ReaderOptions & { engine: NonNullable<ReaderOptions['engine']> } {
  return check(readerSchema, options, 'reader');
}

/** Writer options with the defaults filled in. Throws `USAGE` that names the option. */
export function checkWriterOptions(options: WriterOptions): WriterOptions {
  return check(writerSchema, options, 'writer');
}

/** Checks a path. Throws `USAGE`. */
export function checkPath(path: unknown, what: string): string {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path;
  throw new DeblurError('USAGE', `The ${what} must be the path of a file.`);
}

function check<T>(schema: z.ZodType<T>, value: unknown, who: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.map(String).join('.') ?? '';
  const where = path === '' ? `The ${who} options are wrong` : `The ${who} option ${path} is wrong`;
  throw new DeblurError('USAGE', `${where}: ${issue?.message ?? 'unknown reason'}.`, { cause: result.error });
}
