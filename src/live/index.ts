export { LiveSession } from './session.js';
export type { FragmentFrame, LiveFragment } from './fragment.js';
export type { CameraChunk, CameraFormat, LiveControl, LiveOptions, Snapshot } from './options.js';
export type { LiveState, LiveStatistics, Percentiles, PictureSize, SourceState } from './state.js';
export { listDevices } from './source/devices.js';
export type { CaptureDevice, DeviceMode } from './source/devices.js';
