import { open } from 'node:fs/promises';
import { openVideo } from '../../src/io/index.js';
import { packed } from './frames.js';

/** Writes an 8-bit 4:2:0 video as YUV4MPEG2, which Chromium's fake camera plays again and again. */
export async function writeCameraClip(source: string, target: string): Promise<{ width: number; height: number }> {
  await using reader = await openVideo(source);
  const { width, height } = reader.video;
  await using file = await open(target, 'w');
  await file.write(`YUV4MPEG2 W${width} H${height} F25:1 Ip A1:1 C420jpeg\n`);
  for await (const frame of reader.frames()) {
    using held = frame;
    await file.write('FRAME\n');
    for (const plane of packed(held)) await file.write(plane);
  }
  return { width, height };
}
