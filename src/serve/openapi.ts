import { z } from 'zod';
import { manifest } from '../package-root.js';
import { job, jobLink, jobRequest, jobSettings } from '../protocol/index.js';
import { errorBody } from './http-error.js';

type Description = Record<string, unknown>;

function schemaOf(schema: z.ZodType): Description {
  const described = z.toJSONSchema(schema) as Description;
  // It is the document's, said once.
  delete described['$schema'];
  return described;
}

function ref(name: string): Description {
  return { $ref: `#/components/schemas/${name}` };
}

function json(description: string, schema: Description): Description {
  return { description, content: { 'application/json': { schema } } };
}

function failed(description: string): Description {
  return json(description, ref('Error'));
}

const id: Description = { name: 'id', in: 'path', required: true, schema: { type: 'string' } };
const anyone: Description[] = [];
const unauthorised = { 401: failed('No token, or not the right one.') };
const missing = { 404: failed('There is no such job, or it has no result.') };

const file: Description = {
  200: {
    description: 'The video. `Range` is honoured.',
    headers: { 'Content-Disposition': { schema: { type: 'string' } } },
    content: { 'video/*': { schema: { type: 'string', contentMediaType: 'application/octet-stream' } } },
  },
  206: { description: 'The part of the video that was asked for.' },
  416: { description: 'There is no such part.' },
};

/** The HTTP addresses of the server, as OpenAPI 3.1. The schemas are those that requests are checked with. */
export function openApi(): Description {
  return {
    openapi: '3.1.0',
    info: {
      title: 'deblur serve',
      version: manifest.version,
      description: 'Jobs and health of a server of live deblurring. The live stream is at /ws; see docs/protocol.md.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    security: [{ token: [] }],
    paths: {
      '/jobs': {
        get: {
          operationId: 'listJobs',
          summary: 'All jobs, the oldest first',
          responses: {
            200: json('The jobs.', {
              type: 'object',
              required: ['jobs'],
              properties: { jobs: { type: 'array', items: ref('Job') } },
            }),
            ...unauthorised,
          },
        },
        post: {
          operationId: 'addJob',
          summary: 'Deblur a file below the server’s root, or an upload',
          requestBody: {
            required: true,
            content: {
              'application/json': { schema: ref('JobRequest') },
              'multipart/form-data': {
                schema: {
                  type: 'object',
                  required: ['file'],
                  properties: {
                    settings: ref('JobSettings'),
                    file: { type: 'string', contentMediaType: 'application/octet-stream' },
                  },
                },
                encoding: { settings: { contentType: 'application/json' } },
              },
            },
          },
          responses: {
            201: json('The job, in the queue.', ref('Job')),
            400: failed('The request is not right.'),
            ...unauthorised,
            404: failed('There is no such file below the root.'),
            413: failed('The upload is too large.'),
            429: failed('Too many requests, uploads or jobs.'),
            507: failed('The server’s disk is full.'),
          },
        },
      },
      '/jobs/{id}': {
        parameters: [id],
        get: {
          operationId: 'getJob',
          summary: 'A job',
          responses: { 200: json('The job.', ref('Job')), ...unauthorised, ...missing },
        },
        delete: {
          operationId: 'removeJob',
          summary: 'Cancel a job that waits or runs; forget a finished one, with its result',
          responses: {
            200: json('The job, which is cancelled.', ref('Job')),
            204: { description: 'The job is forgotten.' },
            ...unauthorised,
            ...missing,
          },
        },
      },
      '/jobs/{id}/result': {
        parameters: [id],
        get: { operationId: 'getResult', summary: 'The result', responses: { ...file, ...unauthorised, ...missing } },
      },
      '/jobs/{id}/link': {
        parameters: [id],
        post: {
          operationId: 'linkResult',
          summary: 'An address of the result that needs no token, for a while',
          responses: { 200: json('The link.', ref('JobLink')), ...unauthorised, ...missing },
        },
      },
      '/results/{secret}': {
        parameters: [{ name: 'secret', in: 'path', required: true, schema: { type: 'string' } }],
        get: {
          operationId: 'getLinked',
          summary: 'The result of a link',
          security: anyone,
          responses: { ...file, ...missing },
        },
      },
      '/metrics': {
        get: {
          operationId: 'getMetrics',
          summary: 'Figures for Prometheus',
          responses: {
            200: { description: 'The figures.', content: { 'text/plain': { schema: { type: 'string' } } } },
            ...unauthorised,
          },
        },
      },
      '/healthz': {
        get: {
          operationId: 'getHealth',
          summary: 'Whether the server runs',
          security: anyone,
          responses: { 200: json('It runs.', { type: 'object' }) },
        },
      },
      '/readyz': {
        get: {
          operationId: 'getReadiness',
          summary: 'Whether the server has something to show',
          security: anyone,
          responses: {
            200: json('It has.', { type: 'object' }),
            503: json('It is starting or stopping, or its source is not there.', { type: 'object' }),
          },
        },
      },
    },
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: {
        Job: schemaOf(job),
        JobSettings: schemaOf(jobSettings),
        JobRequest: schemaOf(jobRequest),
        JobLink: schemaOf(jobLink),
        Error: schemaOf(errorBody),
      },
    },
  };
}
