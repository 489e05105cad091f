import type { LiveSession } from '../live/index.js';

/** What the server needs of a live session. */
export type LiveFeed = Pick<
  LiveSession,
  | 'fragments'
  | 'state'
  | 'statistics'
  | 'currentState'
  | 'currentStatistics'
  | 'latestGroup'
  | 'setViewers'
  | 'control'
  | 'requestKeyframe'
  | 'snapshot'
  | 'startRecording'
  | 'stopRecording'
  | 'beginCamera'
  | 'push'
  | 'endCamera'
>;
