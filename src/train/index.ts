/**
 * Learning: data sets, training and evaluation. An entry of its own, so that a program that only deblurs does not load
 * TensorFlow.js.
 *
 * @packageDocumentation
 */
export { backendNames, openBackend } from '../runtime/tensorflow/backend.js';
export type { Backend, BackendName } from '../runtime/tensorflow/backend.js';
export { blur2blurConfig } from './blur2blur/config.js';
export type { Blur2BlurConfig } from './blur2blur/config.js';
export { trainBlur2Blur } from './blur2blur/trainer.js';
export type { Blur2BlurReport, TrainBlur2BlurOptions } from './blur2blur/trainer.js';
export type { TranslationScore } from './blur2blur/translation-validation.js';
export { trainConfig } from './config.js';
export type { TrainConfig } from './config.js';
export { htmlReport } from './evaluate/html-report.js';
export { evaluateSet } from './evaluate/evaluate-set.js';
export type { EvaluatedModel, EvaluateOptions } from './evaluate/evaluate-set.js';
export type { Evaluation } from './evaluate/evaluation.js';
export { eventLog } from './log/event-file.js';
export { jsonlLog } from './log/jsonl-log.js';
export { logTo } from './log/train-log.js';
export type { TrainLog } from './log/train-log.js';
export { layoutNames, openPairSet } from './sets/open-set.js';
export type { OpenSetOptions } from './sets/open-set.js';
export type { FramePair, PairScene, PairSet } from './sets/pair-set.js';
export { splitScenes } from './sets/split-scenes.js';
export { datasetConfig } from './synthesis/config.js';
export type { DatasetConfig } from './synthesis/config.js';
export { buildDataset } from './synthesis/dataset.js';
export type { BuildOptions, BuildReport } from './synthesis/dataset.js';
export { train } from './trainer.js';
export type { TrainOptions, TrainProgress, TrainReport } from './trainer.js';
