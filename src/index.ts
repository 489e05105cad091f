/**
 * Removes motion blur from video.
 *
 * `deblurVideo` is the command line's `deblur run`. The rooms beneath it are exported too: video in and
 * out, models, sessions that run a model on frames, the pipeline between them, and metrics.
 *
 * @packageDocumentation
 */
export { DeblurError } from './errors.js';
export type { DeblurErrorCode, DeblurErrorOptions } from './errors.js';
export { deblurVideo } from './pipeline/run.js';
export type { RunOptions, RunPlan, RunProgress, RunReport } from './pipeline/run.js';
export { flow } from './pipeline/flow.js';
export type { FlowCounts, FlowOptions } from './pipeline/flow.js';
export type { CutReason } from './pipeline/credits.js';
export type { GuardReason } from './pipeline/guard.js';
export type { SceneCutOptions } from './pipeline/scene-cut.js';
export type { PartialRunSettings, RunSettings } from './settings.js';
export * from './io/index.js';
export * from './metrics/index.js';
export { addModel } from './models/add-model.js';
export type { AddedModel, AddModelOptions } from './models/add-model.js';
export { chainModels } from './models/chain.js';
export { listModels, openModel } from './models/registry.js';
export type { Model, ModelListing, NetworkModel, OnnxModel, OpenModelOptions } from './models/registry.js';
export type {
  FrameResult,
  FrameSession,
  FrameSessionOptions,
  OutputHealth,
  PictureGeometry,
} from './runtime/frame-session.js';
export { TemporalFilter } from './temporal/temporal-filter.js';
export type { TemporalFilterOptions } from './temporal/temporal-filter.js';
export { createFrameSession, createTranslatedSession } from './runtime/onnx/frame-session.js';
export { modelStage } from './runtime/onnx/model-stage.js';
export { chooseProvider } from './runtime/onnx/provider-choice.js';
