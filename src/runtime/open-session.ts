import { DeblurError } from '../errors.js';
import { openModel } from '../models/registry.js';
import type { FrameSession, FrameSessionOptions, PictureGeometry } from './frame-session.js';
import { createFrameSession } from './onnx/frame-session.js';
import { modelStage } from './onnx/model-stage.js';
import type { BackendName } from './tensorflow/backend.js';

/** Who executes networks: ONNX Runtime, or TensorFlow through TensorFlow.js. */
export type RuntimeName = 'onnx' | 'tensorflow';

/** Options of a session: what may cross to another process. */
export type SessionOptions = Omit<FrameSessionOptions, 'signal' | 'provider'>;

/** A session to open. */
export type SessionSpecification = {
  /** A model's name, or the path of an `.onnx` or `.safetensors` file. */
  readonly model: string;
  readonly geometry: PictureGeometry;
} & (
  | {
      /** Default `onnx`. */
      readonly runtime?: 'onnx';
      /** `provider` was proven by the caller; default `cpu`. */
      readonly options: SessionOptions & { readonly provider?: string };
    }
  | {
      readonly runtime: 'tensorflow';
      readonly options: SessionOptions & {
        /** Default `auto`, the best that works. */
        readonly backend?: BackendName | 'auto';
      };
    }
);

/**
 * Opens a frame session in this process.
 * @throws DeblurError whatever opening the model and the session throws; `USAGE` for an `.onnx` file on TensorFlow.
 */
export async function openSession({
  model: name,
  geometry,
  ...specification
}: SessionSpecification): Promise<FrameSession> {
  const model = await openModel(name);
  if (specification.runtime !== 'tensorflow') {
    return createFrameSession(await modelStage(model), geometry, specification.options);
  }
  if (model.kind === 'onnx') {
    throw new DeblurError('USAGE', `TensorFlow can't run ${model.name}: .onnx files run on ONNX Runtime.`, {
      hint: 'Leave out --runtime, or name a model of "deblur models".',
    });
  }
  const { backend: backendName, threads, ...options } = specification.options;
  // Only here, so that who runs ONNX Runtime does not wait for TensorFlow.js to load.
  const { openBackend } = await import('./tensorflow/backend.js');
  const { createTensorflowSession } = await import('./tensorflow/frame-session.js');
  const backend = await openBackend(backendName, threads === undefined ? {} : { threads });
  return createTensorflowSession(model, geometry, { ...options, backend });
}
