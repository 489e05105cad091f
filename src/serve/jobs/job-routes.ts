import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import * as fs from 'node:fs/promises';
import path from 'node:path';
import type { Multipart, MultipartFile } from '@fastify/multipart';
import { checked } from '../../checked.js';
import { DeblurError } from '../../errors.js';
import { jobRequest, jobSettings, type Job, type JobSettings } from '../../protocol/index.js';
import { HttpError } from '../http-error.js';
import type { Limits } from '../options.js';
import { JobLinks } from './job-links.js';
import type { JobQueue } from './job-queue.js';
import { plainName, writeNewFile, type JobRoot } from './job-root.js';

/** Options of {@link addJobRoutes}. */
export interface JobRoutesOptions {
  queue: JobQueue;
  root: JobRoot;
  limits: Limits;
  /** Refuses a request without the token. */
  authorise: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
}

interface JobParams {
  Params: { id: string };
}

/** Requests for jobs a minute of one address. */
const jobsPerMinute = 120;

/** Adds the addresses of jobs: `/jobs` and what is below it, and `/results`. */
export async function addJobRoutes(app: FastifyInstance, options: JobRoutesOptions): Promise<void> {
  const { queue, root, limits, authorise } = options;
  const links = new JobLinks();
  let uploads = 0;
  await app.register(multipart, {
    limits: { fileSize: limits.upload, files: 1, fields: 4, parts: 5, fieldSize: 4096, fieldNameSize: 64 },
    throwFileSizeLimit: false,
  });
  const guarded = { onRequest: authorise };

  app.post('/jobs', { ...guarded, config: { rateLimit: { max: jobsPerMinute } } }, async (request, reply) => {
    if (queue.full) throw new HttpError(429, 'TOO_MANY', 'The server knows too many jobs; delete finished ones first.');
    if (!request.isMultipart()) return reply.code(201).send(await addNamed(request.body));
    if (uploads >= limits.uploads) {
      throw new HttpError(429, 'TOO_MANY', 'Too many uploads are under way; try again when one has ended.');
    }
    uploads += 1;
    try {
      return reply.code(201).send(await addUploaded(request));
    } finally {
      uploads -= 1;
    }
  });

  app.get('/jobs', guarded, () => ({ jobs: queue.list() }));

  app.get<JobParams>('/jobs/:id', guarded, ({ params }) => queue.get(params.id));

  app.delete<JobParams>('/jobs/:id', guarded, async ({ params }, reply) => {
    const left = await queue.remove(params.id);
    return left ? reply.send(left) : reply.code(204).send();
  });

  app.get<JobParams>('/jobs/:id/result', guarded, ({ params }, reply) => sendResult(params.id, reply));

  app.post<JobParams>('/jobs/:id/link', guarded, ({ params }) => {
    queue.resultPath(params.id);
    return links.create(params.id);
  });

  app.get<{ Params: { secret: string } }>('/results/:secret', ({ params }, reply) => {
    const id = links.job(params.secret);
    if (id === undefined) throw new HttpError(404, 'INPUT_NOT_FOUND', 'This link has ended; ask for a new one.');
    return sendResult(id, reply);
  });

  function sendResult(id: string, reply: FastifyReply): FastifyReply {
    const file = queue.resultPath(id);
    const { result } = queue.get(id);
    if (!result) throw new DeblurError('INPUT_NOT_FOUND', 'There is no result.');
    // A browser must save it, never show it as a page of this server.
    void reply
      .header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(result.name)}`)
      .header('cache-control', 'private, no-store');
    void reply.type(result.type);
    return reply.sendFile(path.basename(file), path.dirname(file), { dotfiles: 'allow', contentType: false });
  }

  async function addNamed(body: unknown): Promise<Job> {
    const { path: relative, settings = {} } = checked(jobRequest, body, 'The job is not right');
    const file = await root.file(relative);
    return queue.add({ path: file, name: plainName(relative), uploaded: false }, settings);
  }

  async function addUploaded(request: FastifyRequest): Promise<Job> {
    const id = queue.newId();
    let settings: JobSettings = {};
    let upload: { path: string; name: string } | undefined;
    try {
      for await (const part of request.parts()) {
        if (part.type === 'file') {
          if (upload) throw new HttpError(400, 'USAGE', 'An upload holds one file.');
          upload = { path: await store(part, id), name: plainName(part.filename) };
        } else if (part.fieldname === 'settings') settings = readSettings(part);
        else throw new HttpError(400, 'USAGE', `There is no field ${JSON.stringify(part.fieldname)} in an upload.`);
      }
      if (!upload) throw new HttpError(400, 'USAGE', 'The upload has no file.');
      return await queue.add({ ...upload, uploaded: true }, settings, id);
    } catch (error) {
      if (upload) await fs.rm(upload.path, { force: true });
      throw error;
    }
  }

  async function store(part: MultipartFile, id: string): Promise<string> {
    const extension = /\.[a-z0-9]{1,5}$/i.exec(part.filename)?.[0].toLowerCase() ?? '';
    const file = await root.upload(`${id}${extension}`);
    await writeNewFile(file, part.file as AsyncIterable<Uint8Array>);
    if (!part.file.truncated) return file;
    await fs.rm(file, { force: true });
    throw new HttpError(413, 'TOO_LARGE', `An upload has at most ${limits.upload} bytes.`);
  }
}

function readSettings(part: Exclude<Multipart, MultipartFile>): JobSettings {
  let value: unknown;
  try {
    value = JSON.parse(String(part.value));
  } catch (cause) {
    throw new DeblurError('USAGE', 'The field "settings" is not JSON.', { cause });
  }
  return checked(jobSettings, value, 'A setting of the job is not right');
}
