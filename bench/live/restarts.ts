import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openVideo } from '../../src/io/index.js';
import { tcpStream } from '../../test/support/streams.js';
import { makeClip } from '../clip.js';
import type { Figure } from '../figure.js';
import { Crowd, type CrowdReport } from './crowd.js';
import { Served } from './served.js';

const restarts = 20;
/** Restarts before them, in which Node's heap and the allocators' stores grow to what they keep. */
const warmUp = 30;
/** Frames that have to go out before the source is killed again. */
const lively = 10;
const patience = 30_000;

/** Waits until something holds. */
async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + patience;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`It took too long: ${what}.`);
    await sleep(50);
  }
}

/** Frames of a video that can be decoded. */
async function countFrames(file: string): Promise<{ frames: number; damage: number }> {
  await using reader = await openVideo(file);
  let frames = 0;
  for await (const frame of reader.frames()) {
    frame.dispose();
    frames += 1;
  }
  return { frames, damage: reader.damage.lostPackets + reader.damage.corruptFrames };
}

/** A network camera that is killed and started again many times, while somebody watches and everything is recorded. */
export async function restartedSource(folder: string): Promise<Figure> {
  const clip = await makeClip(folder, { width: 640, height: 360, frames: 240 });
  const recording = path.join(folder, 'restarts.mp4');
  let camera = await tcpStream(clip);
  const { port } = camera;
  const server = await Served.start([camera.url, '--record', recording, '--fixed']);
  const descriptors: number[] = [];
  const megabytes: number[] = [];
  let seen: { out: number; report: CrowdReport } | undefined;
  try {
    using crowd = await Crowd.join(server.url, server.token, 1);
    const framesOut = () => server.metric('deblur_frames{kind="out"}');
    const grown = async () => {
      const from = await framesOut();
      await until(async () => (await framesOut()) >= from + lively, 'frames after a start of the source');
    };
    for (let i = 0; i <= warmUp + restarts; i += 1) {
      await grown();
      descriptors.push((await readdir(`/proc/${server.pid}/fd`)).length);
      megabytes.push((await server.usage()).bytes / 1e6);
      if (i === warmUp + restarts) break;
      await camera.stop();
      const waiting = async () => (await server.metric('deblur_source_state{state="reconnecting"}')) === 1;
      await until(waiting, 'the server to notice');
      camera = await tcpStream(clip, port);
    }
    seen = { out: await framesOut(), report: await crowd.report() };
  } finally {
    await server[Symbol.asyncDispose]();
    await camera.stop();
  }
  const { out, report } = seen;
  const { frames, damage } = await countFrames(recording);
  const [firstOpen = 0, lastOpen = 0] = [descriptors[warmUp], descriptors.at(-1)];
  const [firstMemory = 0, lastMemory = 0] = [megabytes[warmUp], megabytes.at(-1)];
  return {
    name: `A source killed and started again ${restarts} times, after ${warmUp} times to warm up`,
    asked: 'no leak of descriptors or memory, nobody is cut, the recording plays',
    reached: `${firstOpen} descriptors, at the end ${lastOpen}; ${firstMemory.toFixed(0)} MB, at the end ${lastMemory.toFixed(0)} MB; ${frames} recorded frames play`,
    met: lastOpen <= firstOpen && lastMemory <= firstMemory * 1.05 && report.open === 1 && damage === 0 && frames > 0,
    details: [
      `${out} frames went out; the viewer stayed, and got ${report.most} fragments; descriptors ${Math.min(...descriptors)} to ${Math.max(...descriptors)}`,
      `megabytes after each start: ${megabytes.map((each) => each.toFixed(0)).join(' ')}`,
    ],
  };
}
