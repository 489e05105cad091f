import type { FilterStep } from '../../io/node-av/frame-filter.js';
import type { VideoStreamInfo } from '../../io/video.js';

/** Steps that turn a clip's pictures upright, by its display rotation. */
function upright({ rotation }: VideoStreamInfo): FilterStep[] {
  if (rotation === 90) return [['transpose', 'clock']];
  if (rotation === 180) return [['hflip'], ['vflip']];
  if (rotation === 270) return [['transpose', 'cclock']];
  return [];
}

/** Transfers of high dynamic range: SMPTE ST 2084 (PQ) and ARIB STD-B67 (HLG). */
const highDynamicRange = new Set(['smpte2084', 'arib-std-b67']);

/** Steps that bring a clip of high dynamic range to BT.709. */
function toStandardRange({ color }: VideoStreamInfo): FilterStep[] {
  if (!highDynamicRange.has(color.transfer)) return [];
  return [
    // Reference white of ITU-R BT.2408: 203 cd/m².
    ['zscale', `transferin=${color.transfer}:primariesin=bt2020:matrixin=bt2020nc:transfer=linear:npl=203`],
    ['format', 'gbrpf32le'],
    ['zscale', 'primaries=bt709'],
    ['tonemap', 'hable:desat=0'],
    ['zscale', 'transfer=bt709:matrix=bt709:range=tv'],
    ['format', 'yuv444p'],
  ];
}

/** A part of a scaled picture. */
export interface Crop {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Steps from a clip's decoded pictures to luma of a width. */
export function lumaSteps(video: VideoStreamInfo, width: number): FilterStep[] {
  return [...upright(video), ['scale', `${width}:-2:flags=area`], ...toStandardRange(video), ['format', 'gray']];
}

/** Steps from a clip's decoded pictures to what a camera of the data set sees, in 4:4:4. */
export function viewSteps(video: VideoStreamInfo, width: number, { left, top, ...crop }: Crop): FilterStep[] {
  return [
    ...matrixOf(video),
    ...upright(video),
    ['scale', `${width}:-2:flags=lanczos+accurate_rnd+full_chroma_int`],
    ['crop', `${crop.width}:${crop.height}:${left}:${top}`],
    ...toStandardRange(video),
    ['format', 'yuv444p'],
  ];
}

/** Steps from a clip's decoded pictures to whole pictures, upright and of standard range, in 4:4:4. */
export function displaySteps(video: VideoStreamInfo): FilterStep[] {
  return [...matrixOf(video), ...upright(video), ...toStandardRange(video), ['format', 'yuv444p']];
}

/** Untagged video is BT.709 from 720 rows on and SMPTE 170M below: that must be said before its size changes. */
function matrixOf({ color, height }: VideoStreamInfo): FilterStep[] {
  if (color.matrix !== 'unknown') return [];
  return [['setparams', `colorspace=${height >= 720 ? 'bt709' : 'smpte170m'}`]];
}

/** A step that divides each interval between frames into `parts`, by motion-compensated interpolation. */
export function virtualFrames(parts: number): FilterStep {
  return ['minterpolate', `fps=${parts}:mi_mode=mci:mc_mode=aobmc:me_mode=bidir:vsbmc=1:scd=none`];
}
