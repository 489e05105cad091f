export { newToken, isLoopback } from './access.js';
export type { LiveFeed } from './feed.js';
export { createLog, describeSource, type LogOptions } from './log.js';
export type { Limits, ServeSettingsInput } from './options.js';
export { LiveServer, type LiveServerOptions } from './server.js';
