import { DeblurError } from '../errors.js';
import { chainModels } from '../models/chain.js';
import { openModel, type Model, type NetworkModel } from '../models/registry.js';
import type { FrameSession, FrameSessionOptions, PictureGeometry } from './frame-session.js';
import type { NetworkChain } from './network-chain.js';
import { createFrameSession, createTranslatedSession } from './onnx/frame-session.js';
import { modelStage } from './onnx/model-stage.js';
import { windowLength } from './picture/frame-stage.js';
import type { BackendName } from './tensorflow/backend.js';

/** Who executes networks: ONNX Runtime, or TensorFlow through TensorFlow.js. */
export type RuntimeName = 'onnx' | 'tensorflow';

/** Options of a session: what may cross to another process. */
export type SessionOptions = Omit<FrameSessionOptions, 'signal' | 'provider'>;

/** A session to open. */
export type SessionSpecification = NetworkChain & {
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
 * Opens a frame session in this process. With a translator, both networks are one graph where the model looks at
 * single frames; where it looks at neighbours they are two, so that each frame is translated once.
 * @throws DeblurError whatever opening the models and the session throws; `USAGE` for an `.onnx` file on TensorFlow.
 */
export async function openSession({
  model: name,
  translator: translatorName,
  geometry,
  ...specification
}: SessionSpecification): Promise<FrameSession> {
  const model = await openModel(name);
  const translator = translatorName === undefined ? undefined : await openModel(translatorName);
  if (specification.runtime === 'tensorflow') {
    const networks = { model: networkOf(model), translator: translator && networkOf(translator) };
    return openOnTensorflow(networks, geometry, specification.options);
  }
  if (!translator) return createFrameSession(await modelStage(model), geometry, specification.options);
  if (model.kind === 'network' && translator.kind === 'network' && windowLength(model.network) === 1) {
    return createFrameSession(await modelStage(chainModels(translator, model)), geometry, specification.options);
  }
  const [first, second] = [await modelStage(translator), await modelStage(model)];
  return createTranslatedSession(first, second, geometry, specification.options);
}

async function openOnTensorflow(
  { model, translator }: { readonly model: NetworkModel; readonly translator: NetworkModel | undefined },
  geometry: PictureGeometry,
  { backend: backendName, threads, ...options }: SessionOptions & { readonly backend?: BackendName | 'auto' },
): Promise<FrameSession> {
  // Only here, so that who runs ONNX Runtime does not wait for TensorFlow.js to load.
  const { openBackend } = await import('./tensorflow/backend.js');
  const { createTensorflowSession, createTranslatedTensorflowSession } = await import('./tensorflow/frame-session.js');
  const backend = await openBackend(backendName, threads === undefined ? {} : { threads });
  if (!translator) return createTensorflowSession(model, geometry, { ...options, backend });
  if (windowLength(model.network) === 1) {
    return createTensorflowSession(chainModels(translator, model), geometry, { ...options, backend });
  }
  return createTranslatedTensorflowSession(translator, model, geometry, { ...options, backend });
}

function networkOf(model: Model): NetworkModel {
  if (model.kind === 'network') return model;
  throw new DeblurError('USAGE', `TensorFlow can't run ${model.name}: .onnx files run on ONNX Runtime.`, {
    hint: 'Leave out --runtime, or name a model of "deblur models".',
  });
}
