import type { ColorTags } from '../frame.js';
import { constants as c } from './binding.js';

/** A tag's FFmpeg names by its number (ITU-T H.273 numbers, but for range and chroma location). */
class TagNames<N extends number> {
  readonly #names: ReadonlyMap<number, string>;
  readonly #numbers: ReadonlyMap<string, N>;

  constructor(pairs: readonly (readonly [N, string])[]) {
    this.#names = new Map(pairs);
    this.#numbers = new Map(pairs.map(([number, name]) => [name, number]));
  }

  name(number: number): string {
    return this.#names.get(number) ?? 'unknown';
  }

  number(name: string, unspecified: N): N {
    return this.#numbers.get(name) ?? unspecified;
  }
}

const ranges = new TagNames([
  [c.AVCOL_RANGE_MPEG, 'tv'],
  [c.AVCOL_RANGE_JPEG, 'pc'],
]);

const matrices = new TagNames([
  [c.AVCOL_SPC_RGB, 'gbr'],
  [c.AVCOL_SPC_BT709, 'bt709'],
  [c.AVCOL_SPC_FCC, 'fcc'],
  [c.AVCOL_SPC_BT470BG, 'bt470bg'],
  [c.AVCOL_SPC_SMPTE170M, 'smpte170m'],
  [c.AVCOL_SPC_SMPTE240M, 'smpte240m'],
  [c.AVCOL_SPC_YCGCO, 'ycgco'],
  [c.AVCOL_SPC_BT2020_NCL, 'bt2020nc'],
  [c.AVCOL_SPC_BT2020_CL, 'bt2020c'],
  [c.AVCOL_SPC_SMPTE2085, 'smpte2085'],
  [c.AVCOL_SPC_CHROMA_DERIVED_NCL, 'chroma-derived-nc'],
  [c.AVCOL_SPC_CHROMA_DERIVED_CL, 'chroma-derived-c'],
  [c.AVCOL_SPC_ICTCP, 'ictcp'],
  [c.AVCOL_SPC_IPT_C2, 'ipt-c2'],
  [c.AVCOL_SPC_YCGCO_RE, 'ycgco-re'],
  [c.AVCOL_SPC_YCGCO_RO, 'ycgco-ro'],
]);

const primaries = new TagNames([
  [c.AVCOL_PRI_BT709, 'bt709'],
  [c.AVCOL_PRI_BT470M, 'bt470m'],
  [c.AVCOL_PRI_BT470BG, 'bt470bg'],
  [c.AVCOL_PRI_SMPTE170M, 'smpte170m'],
  [c.AVCOL_PRI_SMPTE240M, 'smpte240m'],
  [c.AVCOL_PRI_FILM, 'film'],
  [c.AVCOL_PRI_BT2020, 'bt2020'],
  [c.AVCOL_PRI_SMPTE428, 'smpte428'],
  [c.AVCOL_PRI_SMPTE431, 'smpte431'],
  [c.AVCOL_PRI_SMPTE432, 'smpte432'],
  [c.AVCOL_PRI_EBU3213, 'ebu3213'],
]);

const transfers = new TagNames([
  [c.AVCOL_TRC_BT709, 'bt709'],
  [c.AVCOL_TRC_GAMMA22, 'bt470m'],
  [c.AVCOL_TRC_GAMMA28, 'bt470bg'],
  [c.AVCOL_TRC_SMPTE170M, 'smpte170m'],
  [c.AVCOL_TRC_SMPTE240M, 'smpte240m'],
  [c.AVCOL_TRC_LINEAR, 'linear'],
  [c.AVCOL_TRC_LOG, 'log100'],
  [c.AVCOL_TRC_LOG_SQRT, 'log316'],
  [c.AVCOL_TRC_IEC61966_2_4, 'iec61966-2-4'],
  [c.AVCOL_TRC_BT1361_ECG, 'bt1361e'],
  [c.AVCOL_TRC_IEC61966_2_1, 'iec61966-2-1'],
  [c.AVCOL_TRC_BT2020_10, 'bt2020-10'],
  [c.AVCOL_TRC_BT2020_12, 'bt2020-12'],
  [c.AVCOL_TRC_SMPTE2084, 'smpte2084'],
  [c.AVCOL_TRC_SMPTE428, 'smpte428'],
  [c.AVCOL_TRC_ARIB_STD_B67, 'arib-std-b67'],
]);

const chromaLocations = new TagNames([
  [c.AVCHROMA_LOC_LEFT, 'left'],
  [c.AVCHROMA_LOC_CENTER, 'center'],
  [c.AVCHROMA_LOC_TOPLEFT, 'topleft'],
  [c.AVCHROMA_LOC_TOP, 'top'],
  [c.AVCHROMA_LOC_BOTTOMLEFT, 'bottomleft'],
  [c.AVCHROMA_LOC_BOTTOM, 'bottom'],
]);

/** The colour fields that FFmpeg's frames, codec contexts and codec parameters have in common. */
export interface NativeColor {
  colorRange: c.AVColorRange;
  colorSpace: c.AVColorSpace;
  colorPrimaries: c.AVColorPrimaries;
  colorTrc: c.AVColorTransferCharacteristic;
  chromaLocation: c.AVChromaLocation;
}

/** Reads the tags of a native object. */
export function readColor(from: Readonly<NativeColor>): ColorTags {
  return {
    range: ranges.name(from.colorRange),
    matrix: matrices.name(from.colorSpace),
    primaries: primaries.name(from.colorPrimaries),
    transfer: transfers.name(from.colorTrc),
    chromaLocation: chromaLocations.name(from.chromaLocation),
  };
}

/** Writes the tags to a native object; an unknown tag becomes "unspecified". */
export function writeColor(to: NativeColor, tags: ColorTags): void {
  to.colorRange = ranges.number(tags.range, c.AVCOL_RANGE_UNSPECIFIED);
  to.colorSpace = matrices.number(tags.matrix, c.AVCOL_SPC_UNSPECIFIED);
  to.colorPrimaries = primaries.number(tags.primaries, c.AVCOL_PRI_UNSPECIFIED);
  to.colorTrc = transfers.number(tags.transfer, c.AVCOL_TRC_UNSPECIFIED);
  to.chromaLocation = chromaLocations.number(tags.chromaLocation, c.AVCHROMA_LOC_UNSPECIFIED);
}
