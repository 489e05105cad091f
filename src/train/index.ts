/**
 * Learning: data sets, training and evaluation. An entry of its own, so that a program that only deblurs does not load
 * TensorFlow.js.
 *
 * @packageDocumentation
 */
export { backendNames, openBackend } from '../runtime/tensorflow/backend.js';
export type { Backend, BackendName } from '../runtime/tensorflow/backend.js';
export { adapt } from './adapt/adapt.js';
export type { AdaptOptions, AdaptProgress, AdaptStage } from './adapt/adapt.js';
export type { AdaptStages } from './adapt/adapt-folder.js';
export type { AdaptReport } from './adapt/adapt-report.js';
export type { Measures, SubjectMeasure } from './adapt/measure.js';
export { effortFor } from './adapt/settings.js';
export type { AdaptEffort } from './adapt/settings.js';
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
export { blurPictures } from './known-blur/blur-pictures.js';
export type { BlurPicturesOptions } from './known-blur/blur-pictures.js';
export { kernelWizardBlur } from './known-blur/kernel-wizard-blur.js';
export type { KernelWizardBlurOptions } from './known-blur/kernel-wizard-blur.js';
export type { KnownBlur } from './known-blur/known-blur.js';
export { readMotionFields } from './known-blur/motion-fields.js';
export type { MotionField, MotionFieldOptions } from './known-blur/motion-fields.js';
export { syntheticBlur } from './known-blur/synthetic-blur.js';
export type { SyntheticBlurOptions } from './known-blur/synthetic-blur.js';
export { eventLog } from './log/event-file.js';
export { jsonlLog } from './log/jsonl-log.js';
export { logTo } from './log/train-log.js';
export type { TrainLog } from './log/train-log.js';
export { layoutNames, openPairSet } from './sets/open-set.js';
export type { OpenSetOptions } from './sets/open-set.js';
export type { FramePair, PairScene, PairSet } from './sets/pair-set.js';
export { splitScenes } from './sets/split-scenes.js';
export { splitFootage } from './split/split-footage.js';
export type { SplitFootageOptions, SplitProgress, SplitReport } from './split/split-footage.js';
export { datasetConfig } from './synthesis/config.js';
export type { DatasetConfig } from './synthesis/config.js';
export { buildDataset } from './synthesis/dataset.js';
export type { BuildOptions, BuildReport } from './synthesis/dataset.js';
export { train } from './trainer.js';
export type { TrainOptions, TrainProgress, TrainReport } from './trainer.js';
