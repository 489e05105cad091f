export { compareVideos } from './compare.js';
export type { CompareOptions, Comparison, FrameComparison, MeanScore, Score } from './compare.js';
export { pictureFromArray, pictureFromFrame } from './picture.js';
export type { ArrayLayout, Channel, Picture, Samples } from './picture.js';
export { plotComparison } from './comparison-plot.js';
export { psnr } from './psnr.js';
export { ssim, ssim2d, ssim3d } from './ssim.js';
export type { SsimKind } from './ssim.js';
