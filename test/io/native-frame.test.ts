import { expect, it } from 'vitest';
import { liveFrames } from '../../src/io/index.js';
import { constants as c } from '../../src/io/node-av/binding.js';
import { allocatePicture, nativePicture, wrapFrame } from '../../src/io/node-av/native-frame.js';

it('captions stay with a frame whose samples were replaced', () => {
  const captions = Buffer.from([0xfc, 0x94, 0x2c, 0xfd, 0x80, 0x80]);
  const native = allocatePicture(c.AV_PIX_FMT_GRAY8, 4, 2);
  native.newSideData(c.AV_FRAME_DATA_A53_CC, captions.length).set(captions);
  const source = wrapFrame(native, { index: 0, pts: 7n, duration: 1n, timeBase: { num: 1, den: 25 }, corrupt: false });
  const replaced = source.withPlanes([Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)]);
  source.dispose();
  const picture = nativePicture(replaced);
  replaced.dispose();
  expect(picture.getSideData(c.AV_FRAME_DATA_A53_CC)).toEqual(captions);
  expect([...(picture.data?.[0]?.subarray(0, 4) ?? [])]).toEqual([1, 2, 3, 4]);
  picture.free();
  expect(liveFrames()).toBe(0);
});
