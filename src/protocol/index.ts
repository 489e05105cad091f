/**
 * The wire protocol of `deblur serve`, for server and client; it needs nothing of Node.
 *
 * @packageDocumentation
 */
export * from './binary.js';
export * from './job.js';
export * from './live-state.js';
export * from './messages.js';
export * from './version.js';
