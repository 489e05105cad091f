export { newToken, isLoopback } from './access.js';
export type { LiveFeed } from './feed.js';
export { createLog, describeSource, type LogOptions } from './log.js';
export type { Limits, ServeSettingsInput } from './options.js';
export { SwitchedFeed, type EndingFeed, type OpenSource } from './switched-feed.js';
export { LiveServer, type LiveServerOptions } from './server.js';
