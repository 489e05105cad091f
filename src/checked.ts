import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { DeblurError } from './errors.js';
import { nearest } from './nearest.js';

/** A JSON object. */
export type Json = Record<string, unknown>;

/** Whether a value is a JSON object. */
function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * A settings file's JSON object.
 * @throws DeblurError `USAGE` when it can't be read or is none.
 */
export function readJson(path: string): Json {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new DeblurError('USAGE', `The settings file ${path} cannot be read.`, { cause });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (cause) {
    throw new DeblurError('USAGE', `The settings file ${path} is not JSON: ${(cause as Error).message}.`, { cause });
  }
  throw new DeblurError('USAGE', `The settings file ${path} must hold a JSON object.`);
}

/** One object of several: later ones win, object by object; lists are replaced as a whole. */
export function merge(layers: readonly Json[]): Json {
  const out: Json = {};
  for (const layer of layers) {
    for (const [key, value] of Object.entries(layer)) {
      const below = out[key];
      if (value === undefined) continue;
      out[key] = isObject(below) && isObject(value) ? merge([below, value]) : value;
    }
  }
  return out;
}

/**
 * A settings file on top of the one that its "extends" names, relative to it.
 * @throws DeblurError `USAGE` when one can't be read or is no JSON object, or when they extend each other in a circle.
 */
export function readExtended(file: string, above: readonly string[] = []): Json {
  const { extends: below, ...own } = readJson(file);
  if (below === undefined) return own;
  if (typeof below !== 'string') throw new DeblurError('USAGE', `"extends" of ${file} must be the name of a file.`);
  const path = resolve(dirname(file), below);
  const files = [...above, resolve(file)];
  if (files.includes(path)) throw new DeblurError('USAGE', `${file} extends ${below}, which is built on it itself.`);
  return merge([readExtended(path, files), own]);
}

/**
 * A value that fits a schema, with its defaults.
 *
 * @param what begins the sentence of the error.
 * @throws DeblurError `USAGE` that names the path of what is wrong, and the nearest name of an unknown one.
 */
export function checked<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => describeIssue(schema, issue));
  throw new DeblurError('USAGE', `${what}: ${issues.join('; ')}.`);
}

function describeIssue(schema: z.ZodType, issue: z.core.$ZodIssue): string {
  const path = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return `"${path}": ${issue.message}`;
  const known = keysAt(schema, issue.path);
  return issue.keys
    .map((key) => {
      const near = nearest(key, known);
      return `there is no setting "${path ? `${path}.` : ''}${key}"${near ? `, did you mean "${near}"` : ''}`;
    })
    .join('; ');
}

/** The keys that a schema knows at a path. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const inner = unwrapped(schema);
  const [key, ...rest] = path;
  if (inner instanceof z.ZodDiscriminatedUnion || inner instanceof z.ZodUnion) {
    return inner.options.flatMap((option) => keysAt(option as z.ZodType, path));
  }
  if (inner instanceof z.ZodArray) return key === undefined ? [] : keysAt(inner.element as z.ZodType, rest);
  if (!(inner instanceof z.ZodObject)) return [];
  const shape = inner.shape as Record<string, z.ZodType>;
  if (key === undefined) return Object.keys(shape);
  const next = shape[String(key)];
  return next ? keysAt(next, rest) : [];
}

/** A schema without the layers that only add a default or make it optional. */
function unwrapped(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return unwrapped(schema.unwrap() as z.ZodType);
  }
  return schema;
}
