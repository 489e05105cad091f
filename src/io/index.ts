export { createVideo, openVideo, probe } from './open.js';
export { Frame, liveFrames, tightPlanes } from './frame.js';
export type { ColorTags, FrameProperties, FrameStorage, Plane, Rational } from './frame.js';
export { planarFormat, planeSize, workingFormat } from './pixel-format.js';
export type { Component, PixelFormat, PlaneLayout } from './pixel-format.js';
export type * from './video.js';
export { frameToRgb, writePicture } from './picture.js';
