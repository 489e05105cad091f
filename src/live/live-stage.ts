import type { ColorTags } from '../io/frame.js';
import type { FrameSession } from '../runtime/frame-session.js';
import { openHostedSession } from '../runtime/host/hosted-session.js';
import { networksOf } from '../runtime/network-chain.js';
import { chooseProvider } from '../runtime/onnx/provider-choice.js';
import type { PictureSize } from './state.js';

/** What to do with the pictures of a live stream. */
export interface StageRequest {
  /** A model's name, the path of a file, or `none`. */
  readonly model: string;
  readonly translator: string | undefined;
  /** The size that the network works at. */
  readonly processing: PictureSize;
  readonly color: ColorTags;
  readonly provider: string;
  readonly threads: number | undefined;
}

/** What is done with the pictures of a live stream: a network at a size, or nothing. */
export interface LiveStage {
  readonly model: string;
  readonly translator: string | undefined;
  readonly processing: PictureSize;
  /** Undefined where frames pass as they are. */
  readonly session: FrameSession | undefined;
}

/** The format of all pictures of a live stream: what networks and encoder take without a conversion. */
export const liveFormat = 'yuv420p';

/**
 * Loads what a request names, in a process of its own.
 * @throws DeblurError whatever opening the model and its session throws.
 */
export async function openStage(request: StageRequest, signal?: AbortSignal): Promise<LiveStage> {
  const { model, translator, processing, color, threads } = request;
  const networks = networksOf({ model, translator: translator ?? 'none' });
  if (!networks) return { model, translator, processing, session: undefined };
  const provider = await chooseProvider(request.provider, signal);
  const geometry = { ...processing, format: liveFormat, color };
  const memory = process.availableMemory() / 2;
  const options = { provider, threads, memory, batch: 1 };
  return {
    model,
    translator,
    processing,
    session: await openHostedSession({ ...networks, geometry, options }, signal),
  };
}
