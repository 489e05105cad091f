import { setTimeout as sleep } from 'node:timers/promises';
import { makeClip } from '../clip.js';
import { median, type Figure } from '../figure.js';
import { Crowd, type CrowdReport } from './crowd.js';
import { Served } from './served.js';

/** Seconds of one measurement of processor time. */
const cpuSeconds = Number(process.env['DEBLUR_BENCH_CPU_SECONDS'] ?? 30);
/** Seconds that memory is watched. */
const memorySeconds = Number(process.env['DEBLUR_BENCH_MEMORY_SECONDS'] ?? 600);

const many = 100;
const stalled = 10;

/** The server of a 640×360 clip, which plays for ever. */
async function serveClip(folder: string): Promise<Served> {
  const clip = await makeClip(folder, { width: 640, height: 360, frames: 240 });
  // Viewers that read nothing must stay, to see what they cost.
  return Served.start([clip, '--loop', '--fixed', '--max-viewers', '200', '--idle', '86400']);
}

interface Load {
  /** Processors that were busy. */
  readonly processors: number;
  /** Milliseconds of processor time per frame that went out. */
  readonly perFrame: number;
  readonly rate: number;
  readonly report: CrowdReport;
}

async function loadWith(server: Served, viewers: number): Promise<Load> {
  using crowd = await Crowd.join(server.url, server.token, viewers);
  await sleep(3000);
  await crowd.report();
  const look = async () => ({
    ...{ usage: await server.usage(), at: performance.now() },
    frames: await server.metric('deblur_frames{kind="out"}'),
  });
  const before = await look();
  await sleep(cpuSeconds * 1000);
  const after = await look();
  const report = await crowd.report();
  const seconds = (after.at - before.at) / 1000;
  const used = after.usage.seconds - before.usage.seconds;
  const frames = after.frames - before.frames;
  return { processors: used / seconds, perFrame: (used / frames) * 1000, rate: frames / seconds, report };
}

function describeLoad(viewers: number, { processors, perFrame, rate, report }: Load): string {
  return (
    `${viewers} viewers: ${processors.toFixed(2)} processors busy, ${perFrame.toFixed(1)} ms per frame, ` +
    `${rate.toFixed(1)} frames/s; ${report.missed} fragments missed, ${Math.round(report.longestPause)} ms without one at most`
  );
}

/** Processor time of the server with 100 viewers against that with one. */
export async function hundredViewers(folder: string): Promise<Figure> {
  await using server = await serveClip(folder);
  const one = await loadWith(server, 1);
  const all = await loadWith(server, many);
  const ratio = all.perFrame / one.perFrame;
  return {
    name: `Processor time with ${many} viewers`,
    asked: 'at most 1.5 times that of one viewer',
    reached: `${ratio.toFixed(2)} times, per frame that goes out`,
    met: ratio <= 1.5,
    details: [describeLoad(1, one), describeLoad(many, all)],
  };
}

/** The server's memory, and the others' pictures, while ten viewers read nothing. */
export async function stalledViewers(folder: string): Promise<Figure> {
  await using server = await serveClip(folder);
  using crowd = await Crowd.join(server.url, server.token, many - stalled, stalled);
  await crowd.report();
  const megabytes: number[] = [];
  const until = performance.now() + memorySeconds * 1000;
  while (performance.now() < until) {
    megabytes.push((await server.usage()).bytes / 1e6);
    await sleep(1000);
  }
  const report = await crowd.report();
  // The first fifth fills queues and warms up.
  const fifth = Math.floor(megabytes.length / 5);
  const early = median(megabytes.slice(fifth, 2 * fifth));
  const late = median(megabytes.slice(-fifth));
  const skipped = await server.metric('deblur_skipped_fragments_total');
  return {
    name: `Memory with ${stalled} of ${many} viewers reading nothing, for ${memorySeconds} s`,
    asked: 'flat (at most 5 % more at the end), and the others miss nothing',
    reached: `${early.toFixed(0)} MB, at the end ${late.toFixed(0)} MB; the others missed ${report.missed} fragments`,
    met: late <= early * 1.05 && report.missed === 0 && report.open === many - stalled,
    details: [
      `most: ${Math.max(...megabytes).toFixed(0)} MB; ${skipped} fragments were left out for those who read nothing`,
      `the others got ${report.fewest} to ${report.most} fragments, and waited ${Math.round(report.longestPause)} ms for one at most`,
    ],
  };
}
