/// <reference lib="dom" />
import { DeblurError } from '../errors.js';
import type { Uplink } from './chunk-encoder.js';

/** Container types in the order they are tried. */
const types = [
  'video/webm;codecs=vp8',
  'video/webm;codecs=h264',
  'video/webm',
  'video/mp4;codecs=avc1.42001f',
  'video/mp4',
];
/** Milliseconds of video in each message. */
const slice = 100;
/** Bytes that wait for the network above which the recording begins anew, because a container can't leave out frames. */
const mostWaiting = 2 * 1024 * 1024;

/**
 * Sends a camera as MediaRecorder encodes it, until the track ends or the signal fires.
 *
 * @throws DeblurError `CODEC_UNAVAILABLE` where this browser has no MediaRecorder; what the server refuses.
 */
export async function sendRecording(uplink: Uplink): Promise<void> {
  const mime = 'MediaRecorder' in globalThis ? types.find((type) => MediaRecorder.isTypeSupported(type)) : undefined;
  if (mime === undefined) {
    throw new DeblurError('CODEC_UNAVAILABLE', 'This browser has neither WebCodecs nor MediaRecorder.');
  }
  while (!uplink.signal.aborted && uplink.track.readyState === 'live') await recordOnce(uplink, mime);
}

/** One container, from its header to its end. */
async function recordOnce({ client, track, bitrate, signal, onBegin }: Uplink, mime: string): Promise<void> {
  const { width = 640, height = 360, frameRate } = track.getSettings();
  await client.beginCamera({ format: 'mediarecorder', mime, width, height, ...(frameRate ? { fps: frameRate } : {}) });
  onBegin(mime);
  const recorder = new MediaRecorder(new MediaStream([track]), { mimeType: mime, videoBitsPerSecond: bitrate });
  let sequence = 0;
  let sent: Promise<void> = Promise.resolve();
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      if (recorder.state !== 'inactive') recorder.stop();
    };
    signal.addEventListener('abort', stop, { once: true });
    recorder.ondataavailable = ({ data, timeStamp }) => {
      // Reading a blob takes a moment; the pieces stay in order.
      sent = sent.then(async () => {
        if (data.size === 0 || signal.aborted) return;
        const bytes = new Uint8Array(await data.arrayBuffer());
        client.sendChunk({ data: bytes, keyframe: sequence === 0, pts: timeStamp / 1000, sequence });
        sequence += 1;
      });
      if (client.bufferedAmount > mostWaiting) stop();
    };
    recorder.onerror = () => {
      reject(new DeblurError('RUNTIME_FAILED', 'The browser’s recorder of the camera failed.'));
    };
    recorder.onstop = () => {
      signal.removeEventListener('abort', stop);
      resolve();
    };
    recorder.start(slice);
  });
  await sent;
}
