/// <reference lib="dom" />

/** Chromium's and Safari's way to a track's frames, which TypeScript's DOM does not know yet. */
interface TrackProcessor {
  readonly readable: ReadableStream<VideoFrame>;
}

interface WithTrackProcessor {
  readonly MediaStreamTrackProcessor?: new (init: {
    track: MediaStreamTrack;
    maxBufferSize?: number;
  }) => TrackProcessor;
}

/**
 * The frames of a camera. Each belongs to who takes it, and has to be closed. Frames that nobody takes in time are left out.
 * Ends when the track ends or the signal fires.
 */
export async function* cameraFrames(track: MediaStreamTrack, signal: AbortSignal): AsyncGenerator<VideoFrame> {
  const Processor = (globalThis as WithTrackProcessor).MediaStreamTrackProcessor;
  const frames = Processor ? new Processor({ track, maxBufferSize: 1 }).readable : framesOfElement(track, signal);
  const reader = frames.getReader();
  const stop = () => void reader.cancel().catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      if (signal.aborted) value.close();
      else yield value;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    await reader.cancel().catch(() => undefined);
  }
}

/** Frames as a video element shows them: works wherever WebCodecs does. */
function framesOfElement(track: MediaStreamTrack, signal: AbortSignal): ReadableStream<VideoFrame> {
  const video = document.createElement('video');
  return new ReadableStream<VideoFrame>(
    {
      start(controller) {
        video.muted = true;
        video.playsInline = true;
        video.srcObject = new MediaStream([track]);
        const take = () => {
          if (signal.aborted) return;
          if ((controller.desiredSize ?? 0) > 0) {
            controller.enqueue(new VideoFrame(video, { timestamp: Math.round(performance.now() * 1000) }));
          }
          video.requestVideoFrameCallback(take);
        };
        video.requestVideoFrameCallback(take);
        return video.play();
      },
      cancel() {
        video.srcObject = null;
      },
    },
    { highWaterMark: 1 },
  );
}
