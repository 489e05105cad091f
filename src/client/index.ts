/**
 * A client of `deblur serve` for browsers and Node: `deblur-stream/client`.
 *
 * @packageDocumentation
 */
export { connect, LiveClient } from './live-client.js';
export type {
  Connection,
  ConnectOptions,
  LiveSnapshot,
  Refusal,
  StreamFragment,
  ViewerStatistics,
} from './live-client.js';
export { attach, attachFrames, Attachment } from './attach.js';
export { FramePlayer } from './frame-player.js';
export { CameraSender, sendCamera } from './camera.js';
export type { CameraOptions, CameraStatus } from './camera.js';
export { MediaPlayer } from './media-player.js';
export type { PlayableFragment, PlayerStatus } from './media-player.js';
export type { LiveEdgeOptions } from './live-edge.js';
export { JobsClient } from './jobs-client.js';
export type { UploadOptions } from './jobs-client.js';
export type { BackOff } from './back-off.js';
export type { ClockOffset } from './clock-offset.js';
export { codecOf } from './codec.js';
export type { OpenSocket, Socket } from './socket.js';
export type { ControlChange, Job, JobSettings, LiveState, ModelChoice, ServerHello } from '../protocol/index.js';
export { DeblurError } from '../errors.js';
