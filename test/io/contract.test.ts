import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createVideo, liveFrames, openVideo, probe, writePicture, type VideoStreamInfo } from '../../src/io/index.js';
import { addMatroskaChapters } from '../../src/io/chapters/matroska.js';
import { addMp4Chapters } from '../../src/io/chapters/mp4.js';
import { av, constants as c } from '../../src/io/node-av/binding.js';
import { readChapters } from '../../src/io/node-av/chapter-list.js';
import { fixture } from '../support/fixtures.js';
import { engines, failure, type FrameRecord, hasFfmpeg, readFrames, scratchFolder, transcode } from '../support/io.js';
import {
  attachment,
  damaged,
  inspect,
  makeMedia,
  pcmTone,
  readPackets,
  subripCues,
  type MediaSpec,
} from '../support/media.js';
import { runningProcesses } from '../support/processes.js';

const blurry = fixture('clips/dogs-blurry.mp4');
const tenBit = fixture('clips/dogs-10bit-hevc.mp4');

let scratch: Awaited<ReturnType<typeof scratchFolder>>;
beforeAll(async () => {
  scratch = await scratchFolder();
});
afterAll(() => scratch.remove());

/** 64x48 at 30 frames per second, to be varied. */
const small: MediaSpec = {
  codec: 'libx264',
  format: 'yuv420p',
  width: 64,
  height: 48,
  timeBase: { num: 1, den: 30_000 },
  rate: { num: 30, den: 1 },
  times: [0, 1000, 2000, 3000, 4000, 5000],
  lastDuration: 1000,
  options: { qp: '0', preset: 'ultrafast' },
};

/** A display matrix that turns the picture by 90 degrees clockwise, in 16.16 and 2.30 fixed point. */
function quarterTurn(): Buffer {
  const matrix = Buffer.alloc(36);
  [0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000].forEach((value, i) => matrix.writeInt32LE(value, i * 4));
  return matrix;
}

describe.each(engines)('$name', ({ engine, missing }) => {
  describe.skipIf(missing)('reads and writes', () => {
    const reading = { engine };
    let number = 0;
    const out = (name: string) => scratch.path(`${engine}-${(number += 1)}-${name}`);

    afterEach(async () => {
      expect(liveFrames()).toBe(0);
      expect((await scratch.files()).filter((name) => name.includes('.partial'))).toEqual([]);
    });

    test.each([
      ['8 bit through FFV1', blurry, 'a.mkv', { codec: 'ffv1' }, 'yuv420p'],
      [
        '8 bit through lossless H.264',
        blurry,
        'a.mp4',
        { encoderOptions: { qp: '0' }, preset: 'ultrafast' },
        'yuv420p',
      ],
      ['10 bit through FFV1', tenBit, 'a.mkv', { codec: 'ffv1' }, 'yuv420p10le'],
      [
        '10 bit through lossless H.264',
        tenBit,
        'a.mp4',
        { encoderOptions: { qp: '0' }, preset: 'ultrafast' },
        'yuv420p10le',
      ],
    ])('bit-identical frames: %s', async (_, source, name, options, format) => {
      const path = out(name);
      const report = await transcode(source, path, options, reading);
      const before = await readFrames(source);
      const after = await readFrames(path);
      expect(report).toMatchObject({ frames: before.length, format });
      expect(report.bytes).toBe((await fs.stat(path)).size);
      expect(after.map((frame) => frame.digest)).toEqual(before.map((frame) => frame.digest));
    });

    test('both engines read the same frames', async () => {
      expect(await readFrames(blurry, reading)).toEqual(await readFrames(blurry));
      expect(await readFrames(tenBit, reading)).toEqual(await readFrames(tenBit));
    });

    test('frames with samples of the caller are written as they are', async () => {
      const native = out('native.mkv');
      const copied = out('copied.mkv');
      await transcode(tenBit, native, { codec: 'ffv1' }, reading);
      await transcode(tenBit, copied, { codec: 'ffv1' }, reading, (frame) => {
        using owned = frame;
        return owned.withPlanes(
          owned.planes().map(({ data, stride, width, height }) => {
            const rows = new Uint8Array(width * 2 * height);
            for (let y = 0; y < height; y += 1)
              rows.set(data.subarray(y * stride, y * stride + width * 2), y * width * 2);
            return rows;
          }),
        );
      });
      expect(await readFrames(copied)).toEqual(await readFrames(native));
    });

    test.each([0, 2])('variable frame rate with %i B-frames: every timestamp, and those of the packets', async (bf) => {
      const source = out('vfr.mp4');
      const path = out('vfr-out.mp4');
      const times = [0, 512, 2560, 3072, 3584, 9216, 9472, 12_800];
      await makeMedia(source, {
        ...small,
        timeBase: { num: 1, den: 15_360 },
        times,
        lastDuration: 2048,
        options: { qp: '0', bf: String(bf) },
      });
      await transcode(source, path, { encoderOptions: { bf: String(bf) } }, reading);
      const before = await readFrames(source);
      expect(before.map(({ pts }) => Number(pts))).toEqual(times);
      const after = await readFrames(path);
      expect(after.map(({ seconds }) => seconds)).toEqual(before.map(({ seconds }) => seconds));
      // With B-frames, MP4 keeps the time from packet to packet in decoding order, which is no frame's duration.
      if (bf === 0) expect(after.map(({ duration }) => duration)).toEqual(before.map(({ duration }) => duration));
      const packets = (await readPackets(path)).get(0)!;
      expect(packets.map(({ pts }) => pts).sort((a, b) => Number(a - b))).toEqual(times.map(BigInt));
      for (const [i, { dts, pts }] of packets.entries()) {
        expect(dts).toBeLessThanOrEqual(pts);
        if (i > 0) expect(dts).toBeGreaterThan(packets[i - 1]!.dts);
      }
    });

    test('a video that starts late stays where it was beside its sound', async () => {
      const source = out('late.mov');
      const path = out('late-out.mov');
      await makeMedia(source, { ...small, times: [9000, 10_000, 11_000, 12_000], others: [pcmTone(0.5)] });
      await transcode(source, path, {}, reading);
      expect((await readFrames(path)).map(({ seconds }) => seconds)).toEqual(
        (await readFrames(source)).map(({ seconds }) => seconds),
      );
      expect((await readFrames(path))[0]?.seconds).toBeCloseTo(0.3, 6);
      const sound = async (name: string) => {
        const packets = (await readPackets(name)).get(1)!;
        return { start: packets[0]!.pts, samples: Buffer.concat(packets.map(({ data }) => data)) };
      };
      expect(await sound(path)).toEqual(await sound(source));
    });

    test('Matroska: sound, subtitles, attachment, chapters, metadata and dispositions', async () => {
      const source = out('all.mkv');
      const path = out('all-out.mkv');
      const font = Buffer.from('not quite a font');
      await makeMedia(source, {
        ...small,
        timeBase: { num: 1, den: 1000 },
        times: [0, 33, 67, 100, 133, 167],
        lastDuration: 33,
        describe: (stream, output) => {
          stream.metadata = av.Dictionary.fromObject({ title: 'Picture', language: 'eng' });
          output.metadata = av.Dictionary.fromObject({ title: 'Everything — à la carte', ARTIST: 'Tester' });
        },
        others: [
          pcmTone(0.2),
          subripCues([
            { start: 10, end: 90, text: 'First <i>line</i>' },
            { start: 100, end: 180, text: 'Second' },
          ]),
          attachment('serif.ttf', font),
        ],
      });
      const file = await fs.open(source, 'r+');
      await addMatroskaChapters(file, [
        { start: 0n, end: 100_000n, metadata: { title: 'One' } },
        { start: 100_000n, end: 200_000n, metadata: { title: 'Zwei — ümläut' } },
      ]);
      await file.close();
      const report = await transcode(source, path, {}, reading);
      expect(report.streams).toEqual([]);
      const [packetsBefore, packetsAfter] = [await readPackets(source), await readPackets(path)];
      for (const index of [1, 2]) expect(packetsAfter.get(index)).toEqual(packetsBefore.get(index));
      const describeAll = (input: av.FormatContext) =>
        input.streams.map((stream) => ({
          type: stream.codecpar.codecType,
          codec: stream.codecpar.codecId,
          disposition: stream.disposition,
          metadata: without(stream.metadata?.getAll(), 'DURATION', 'ENCODER'),
          extradata:
            stream.codecpar.codecType === c.AVMEDIA_TYPE_VIDEO ? undefined : stream.codecpar.extradata?.toString('hex'),
        }));
      expect(await inspect(path, describeAll)).toEqual(await inspect(source, describeAll));
      expect(await inspect(path, (input) => input.streams[3]?.codecpar.extradata)).toEqual(font);
      expect(await inspect(path, readChapters)).toEqual(await inspect(source, readChapters));
      expect(without((await probe(path)).metadata, 'ENCODER')).toEqual(
        without((await probe(source)).metadata, 'ENCODER'),
      );
      expect((await probe(path)).chapters).toBe(2);
    });

    test('MP4: rotation, pixel shape, colour tags, HDR side data, chapters', async () => {
      const source = out('tags.mp4');
      const path = out('tags-out.mp4');
      await makeMedia(source, {
        ...small,
        codec: 'libx265',
        format: 'yuv420p10le',
        options: { 'x265-params': 'lossless=1:log-level=none', preset: 'ultrafast' },
        prepare: (encoder) => {
          encoder.colorRange = c.AVCOL_RANGE_MPEG;
          encoder.colorSpace = c.AVCOL_SPC_BT2020_NCL;
          encoder.colorPrimaries = c.AVCOL_PRI_BT2020;
          encoder.colorTrc = c.AVCOL_TRC_SMPTE2084;
          encoder.chromaLocation = c.AVCHROMA_LOC_TOPLEFT;
          encoder.sampleAspectRatio = new av.Rational(4, 3);
        },
        describe: (stream) => {
          stream.sampleAspectRatio = new av.Rational(4, 3);
          stream.codecpar.addCodedSideData(c.AV_PKT_DATA_DISPLAYMATRIX, quarterTurn());
          const light = Buffer.alloc(8);
          light.writeUInt32LE(1000, 0);
          light.writeUInt32LE(400, 4);
          stream.codecpar.addCodedSideData(c.AV_PKT_DATA_CONTENT_LIGHT_LEVEL, light);
        },
      });
      const file = await fs.open(source, 'r+');
      await addMp4Chapters(file, [
        { start: 0n, end: 100_000n, metadata: { title: 'One' } },
        { start: 100_000n, end: 200_000n, metadata: { title: 'Zwei — ümläut' } },
      ]);
      await file.close();
      const video = async (name: string) => (await probe(name)).streams[0] as VideoStreamInfo;
      const before = await video(source);
      expect(before).toMatchObject({
        rotation: 90,
        sampleAspectRatio: { num: 4, den: 3 },
        color: {
          range: 'tv',
          matrix: 'bt2020nc',
          primaries: 'bt2020',
          transfer: 'smpte2084',
          chromaLocation: 'topleft',
        },
      });
      await transcode(source, path, { codec: 'libx265', crf: 20, preset: 'ultrafast' }, reading);
      const after = await video(path);
      expect(after).toMatchObject({
        rotation: 90,
        sampleAspectRatio: before.sampleAspectRatio,
        color: before.color,
        width: 64,
        height: 48,
        format: 'yuv420p10le',
      });
      const sideData = (input: av.FormatContext) =>
        input.streams[0]!.codecpar.getAllCodedSideData()
          .map(({ type, data }) => [type, data.toString('hex')])
          .filter(([type]) => type === c.AV_PKT_DATA_DISPLAYMATRIX || type === c.AV_PKT_DATA_CONTENT_LIGHT_LEVEL);
      expect((await inspect(path, sideData)).sort()).toEqual((await inspect(source, sideData)).sort());
      expect((await inspect(source, sideData)).length).toBe(2);
      expect(await inspect(path, readChapters)).toEqual(await inspect(source, readChapters));
    });

    test.each([
      ['mp4', 'mov_text', 'aac', 2],
      ['webm', 'webvtt', 'opus', 2],
      ['mov', 'mov_text', 'pcm_u8', 1],
    ])('what %s refuses is converted and named', async (extension, subtitle, audio, notes) => {
      const source = out('convert.mkv');
      const path = out(`convert.${extension}`);
      const cues = [
        { start: 10, end: 90, text: 'First <i>line</i>' },
        { start: 500, end: 900, text: 'Second & last\nof two' },
      ];
      await makeMedia(source, {
        ...small,
        timeBase: { num: 1, den: 1000 },
        times: Array.from({ length: 30 }, (_, i) => Math.round((i * 1000) / 30)),
        lastDuration: 33,
        others: [pcmTone(1, 8), subripCues(cues)],
      });
      const report = await transcode(
        source,
        path,
        { encoderOptions: extension === 'webm' ? { 'cpu-used': '8', deadline: 'realtime' } : {} },
        reading,
      );
      const kinds = (await probe(path)).streams
        .filter(({ type }) => type === 'audio' || type === 'subtitle')
        .map(({ codec }) => codec);
      expect(kinds).toEqual([audio, subtitle]);
      expect(report.streams.map(({ action }) => action)).toEqual(Array(notes).fill('converted'));
      for (const note of report.streams)
        expect(note.reason).toMatch(
          /^Stream \d \((audio|subtitle), \w+\) was converted to \w+: \w+ does not take \w+\.$/,
        );
      const texts = ((await readPackets(path)).get(2) ?? []).filter(({ data }) => data.length > 2);
      expect(texts).toHaveLength(2);
      expect(texts[0]!.data.toString()).toContain('First');
      expect(texts[1]!.data.toString()).toContain(
        subtitle === 'webvtt' ? 'Second &amp; last\nof two' : 'Second & last\nof two',
      );
      const seconds = await inspect(path, (input) => {
        const { num, den } = input.streams[2]!.timeBase;
        return texts.map(({ pts, duration }) => [(Number(pts) * num) / den, (Number(duration) * num) / den]);
      });
      // WebM shifts everything by the Opus encoder's delay, which is below zero.
      for (const [i, { start, end }] of cues.entries()) {
        expect(seconds[i]![0]).toBeCloseTo(start / 1000, 1);
        expect(seconds[i]![1]).toBeCloseTo((end - start) / 1000, 2);
      }
      const sound = (await readPackets(path)).get(1)!;
      const length = await inspect(path, (input) => {
        const { num, den } = input.streams[1]!.timeBase;
        return (sound.reduce((sum, { duration }) => sum + Number(duration), 0) * num) / den;
      });
      expect(length).toBeGreaterThan(0.98);
      expect(length).toBeLessThan(1.07);
    });

    test.each([
      ['mp4', 'mkv'],
      ['mkv', 'mkv'],
      ['mkv', 'mp4'],
    ])('a cover picture goes from %s to %s', async (from, to) => {
      const png = scratch.path('cover.png');
      await writePicture(png, new Uint8Array(16 * 16 * 3).fill(77), 16, 16);
      const picture = await fs.readFile(png);
      const mp4 = out('cover.mp4');
      await makeMedia(mp4, {
        ...small,
        others: [
          {
            timeBase: { num: 1, den: 30_000 },
            setUp: (stream) => {
              stream.codecpar.codecType = c.AVMEDIA_TYPE_VIDEO;
              stream.codecpar.codecId = c.AV_CODEC_ID_PNG;
              stream.codecpar.width = 16;
              stream.codecpar.height = 16;
              stream.disposition = c.AV_DISPOSITION_ATTACHED_PIC;
            },
            packets: [{ pts: 0, duration: 0, data: picture }],
          },
        ],
      });
      const source = from === 'mp4' ? mp4 : out('cover.mkv');
      if (from === 'mkv') await transcode(mp4, source, {}, reading);
      const path = out(`cover-out.${to}`);
      expect((await transcode(source, path, {}, reading)).streams).toEqual([]);
      const attached = (input: av.FormatContext) =>
        input.streams.findIndex(({ disposition }) => (disposition & c.AV_DISPOSITION_ATTACHED_PIC) !== 0);
      const packets = (await readPackets(path)).get(await inspect(path, attached));
      expect(packets?.map(({ data }) => data)).toEqual([picture]);
      expect(await inspect(path, (input) => input.nbStreams)).toBe(2);
    });

    test('what cannot be converted is left out and named', async () => {
      const source = out('left.mkv');
      const path = out('left.mp4');
      await makeMedia(source, {
        ...small,
        timeBase: { num: 1, den: 1000 },
        times: [0, 33],
        lastDuration: 33,
        others: [attachment('a.ttf', Buffer.from('x'))],
      });
      const { streams } = await transcode(source, path, {}, reading);
      expect(streams).toHaveLength(1);
      expect(streams[0]).toMatchObject({ index: 1, type: 'attachment', codec: 'ttf', action: 'left' });
      expect(streams[0]!.reason).toMatch(/^Stream 1 \(attachment, ttf\) was left out: mp4 does not take it \(.+\)\.$/);
    });

    test.each([
      ['1x1', 'gray', 1, 1],
      ['17x33', 'yuv420p', 17, 33],
      ['4:2:2', 'yuv422p', 32, 18],
      ['4:2:2 with 10 bits', 'yuv422p10le', 33, 17],
      ['4:4:4', 'yuv444p', 20, 20],
      ['gray', 'gray', 31, 7],
      ['gray with 10 bits', 'gray10le', 31, 7],
      ['RGB', 'gbrp10le', 15, 15],
      ['alpha', 'yuva420p', 30, 14],
      ['12 bits', 'yuv420p12le', 16, 16],
    ])('pictures of every kind: %s', async (_, format, width, height) => {
      const source = out('kind.mkv');
      const path = out('kind-out.mkv');
      await makeMedia(source, {
        ...small,
        codec: 'ffv1',
        options: {},
        format,
        width,
        height,
        times: [0, 1000, 2000],
        timeBase: { num: 1, den: 30_000 },
      });
      const report = await transcode(source, path, { codec: 'ffv1' }, reading);
      expect(report).toMatchObject({ frames: 3, format });
      const picture = ({ pts, digest }: FrameRecord) => [pts, digest];
      expect((await readFrames(path)).map(picture)).toEqual((await readFrames(source)).map(picture));
    });

    test('odd sizes become H.264', async () => {
      const source = out('odd.mkv');
      const path = out('odd.mp4');
      await makeMedia(source, {
        ...small,
        codec: 'ffv1',
        options: {},
        format: 'yuv444p',
        width: 17,
        height: 33,
        times: [0, 1000],
      });
      expect(await transcode(source, path, {}, reading)).toMatchObject({ frames: 2, format: 'yuv444p' });
      expect((await probe(path)).streams[0]).toMatchObject({ width: 17, height: 33, codec: 'h264' });
    });

    test("the format asked for is delivered, and the source's own is encoded", async () => {
      await using reader = await openVideo(blurry, { ...reading, format: 'gbrp' });
      expect(reader.video).toMatchObject({ format: 'gbrp', color: { matrix: 'gbr', range: 'pc' } });
      const path = out('rgb.mp4');
      await using writer = await createVideo(path, { source: reader, preset: 'ultrafast' });
      for await (const frame of reader.frames()) {
        expect(frame.properties.format).toBe('gbrp');
        expect(frame.planes()).toHaveLength(3);
        await writer.write(frame);
      }
      expect(await writer.finish()).toMatchObject({ format: 'yuv420p' });
      const color = async (name: string) => ((await probe(name)).streams[0] as VideoStreamInfo).color;
      expect(await color(path)).toEqual(await color(blurry));
    });

    test('a file that breaks off: what is there is delivered and the loss is said', async () => {
      const whole = out('whole.mkv');
      await makeMedia(whole, { ...small, times: Array.from({ length: 30 }, (_, i) => i * 1000) });
      const bytes = await fs.readFile(whole);
      const cut = await damaged(bytes, out('cut.mkv'), (all) => all.subarray(0, Math.floor(all.length / 2)));
      const complete = await readFrames(whole, reading);
      await using reader = await openVideo(cut, reading);
      const seen: bigint[] = [];
      for await (const frame of reader.frames()) {
        seen.push(frame.properties.pts);
        frame.dispose();
      }
      expect(seen.length).toBeGreaterThan(8);
      expect(seen.length).toBeLessThan(22);
      expect(seen).toEqual(complete.slice(0, seen.length).map(({ pts }) => pts));
      expect(reader.damage).toMatchObject({ truncated: true });
      expect(reader.damage.notes).toContain('The file ends before its promised end.');
      expect(await failure(readFrames(cut, { ...reading, strict: true }))).toMatchObject({ code: 'INPUT_DAMAGED' });
    });

    test('damaged frames are counted and the others keep their times', async () => {
      const source = out('frames.mkv');
      await makeMedia(source, {
        ...small,
        options: { crf: '20', g: '8', bf: '0' },
        times: Array.from({ length: 24 }, (_, i) => i * 1000),
      });
      const packets = (await readPackets(source)).get(0)!;
      const broken = await damaged(await fs.readFile(source), out('broken.mkv'), (bytes) => {
        for (const i of [3, 10, 17]) {
          const at = bytes.indexOf(packets[i]!.data);
          expect(at).toBeGreaterThan(0);
          for (let n = 5; n < packets[i]!.data.length; n += 2) bytes[at + n] = (bytes[at + n]! * 7 + n) & 0xff;
        }
        return bytes;
      });
      const before = await readFrames(source, reading);
      await using reader = await openVideo(broken, reading);
      const seen: bigint[] = [];
      for await (const frame of reader.frames()) {
        seen.push(frame.properties.pts);
        frame.dispose();
      }
      const { lostPackets, corruptFrames, notes } = reader.damage;
      expect(lostPackets + corruptFrames).toBeGreaterThan(0);
      expect(notes.length).toBeGreaterThan(0);
      const known = new Set(before.map(({ pts }) => pts));
      for (const pts of seen) expect(known.has(pts)).toBe(true);
      expect(seen.length + lostPackets).toBeGreaterThanOrEqual(24);
      expect(await failure(readFrames(broken, { ...reading, strict: true }))).toMatchObject({ code: 'INPUT_DAMAGED' });
    });

    test('an undamaged file is not called damaged', async () => {
      for (const path of [blurry, tenBit, fixture('clips/bikes-cut.mp4')]) {
        await using reader = await openVideo(path, { ...reading, strict: true });
        for await (const frame of reader.frames()) frame.dispose();
        expect(reader.damage).toMatchObject({ lostPackets: 0, corruptFrames: 0, truncated: false, notes: [] });
      }
    });

    test('leaving early, and closing without reading, free everything', async () => {
      const reader = await openVideo(blurry, reading);
      for await (const frame of reader.frames()) {
        frame.dispose();
        break;
      }
      await reader.close();
      await reader.close();
      await (await openVideo(blurry, reading)).close();
      expect(await children()).toEqual([]);
    });

    test('cancelling ends reading and writing at once and leaves nothing', async () => {
      const source = out('long.mkv');
      await makeMedia(source, {
        ...small,
        width: 640,
        height: 360,
        times: Array.from({ length: 90 }, (_, i) => i * 1000),
        paint: (f, p, x) => ((x + f) % 32) / 32,
      });
      const stop = new AbortController();
      await using reader = await openVideo(source, { ...reading, signal: stop.signal });
      const path = out('never.mp4');
      const writer = await createVideo(path, { source: reader, preset: 'veryslow', signal: stop.signal });
      let since = 0;
      const work = (async () => {
        let n = 0;
        for await (const frame of reader.frames()) {
          if ((n += 1) === 20) {
            since = performance.now();
            stop.abort();
          }
          await writer.write(frame);
        }
        await writer.finish();
      })();
      expect(await failure(work)).toMatchObject({ code: 'CANCELLED' });
      await writer.abort();
      await reader.close();
      expect(performance.now() - since).toBeLessThan(1000);
      expect((await scratch.files()).some((name) => name.includes('never'))).toBe(false);
      expect(await children()).toEqual([]);
    });

    test('an aborted writer leaves no file', async () => {
      await using reader = await openVideo(blurry, reading);
      const path = out('aborted.mp4');
      const writer = await createVideo(path, { source: reader });
      for await (const frame of reader.frames()) {
        await writer.write(frame);
        break;
      }
      await writer.abort();
      await writer.abort();
      await expect(fs.access(path)).rejects.toThrow();
    });

    test.each([
      ['an unknown codec', { codec: 'libx256' }, 'CODEC_UNAVAILABLE', /no video encoder named libx256/, /libx265/],
      [
        'an unknown encoder option',
        { encoderOptions: { presett: 'fast' } },
        'USAGE',
        /libx264 has no option named presett/,
        /preset/,
      ],
      [
        'an option of the ffmpeg command',
        { encoderOptions: { i: '/etc/hostname' } },
        'USAGE',
        /no option named i\b/,
        /./,
      ],
      ['an unknown preset', { preset: 'fastest' }, 'USAGE', /no preset named fastest/, /veryfast/],
      ['a preset where there is none', { codec: 'ffv1', preset: 'fast' }, 'USAGE', /ffv1 has no presets/, /^$/],
      ['a quality where there is none', { codec: 'ffv1', crf: 10 }, 'USAGE', /ffv1 has no constant quality/, /./],
      ['an unknown pixel format', { format: 'yuv422p11' }, 'USAGE', /no pixel format named yuv422p11/, /yuv422p/],
      [
        'a format the encoder refuses',
        { codec: 'libx264', format: 'gbrp' },
        'FORMAT_UNSUPPORTED',
        /libx264 does not take gbrp/,
        /yuv420p/,
      ],
    ])('names %s', async (_, options, code, message, hint) => {
      await using reader = await openVideo(blurry, reading);
      const error = await failure(createVideo(out('no.mkv'), { source: reader, ...options }));
      expect(error.code).toBe(code);
      expect(error.message).toMatch(message);
      expect(error.hint).toMatch(hint);
    });

    test.each([
      ['a value that is no number', { crf: 'lots' }],
      ['a parameter of x264 that does not exist', { 'x264-params': 'nonsense=1' }],
      ['a tune that does not exist', { tune: 'nothing' }],
    ])('names %s', async (_, encoderOptions) => {
      const error = await failure(transcode(blurry, out('no.mkv'), { encoderOptions }, reading));
      expect(['USAGE', 'FORMAT_UNSUPPORTED']).toContain(error.code);
      expect(error.message).toMatch(/libx264 refuses/);
      expect(error.message).toMatch(/lots|nonsense|nothing/);
    });

    test('a container that does not take the codec', async () => {
      expect(
        await failure(transcode(blurry, out('no.webm'), { codec: 'libx264', preset: 'ultrafast' }, reading)),
      ).toMatchObject({
        code: 'FORMAT_UNSUPPORTED',
        message: expect.stringMatching(/^webm files do not take libx264 video/) as string,
      });
    });

    test.runIf(hasFfmpeg)('ffprobe finds the chapters and no complaint', async () => {
      const source = out('probe.mkv');
      await makeMedia(source, {
        ...small,
        times: Array.from({ length: 60 }, (_, i) => i * 1000),
        others: [pcmTone(2)],
      });
      const file = await fs.open(source, 'r+');
      const chapters = [
        { start: 0n, end: 500_000n, metadata: { title: 'One' } },
        { start: 500_000n, end: 2_000_000n, metadata: { title: 'Two' } },
      ];
      await addMatroskaChapters(file, chapters);
      await file.close();
      for (const extension of ['mp4', 'mov', 'mkv']) {
        const path = out(`probe.${extension}`);
        await transcode(source, path, {}, reading);
        const text = execFileSync('ffprobe', ['-v', 'error', '-show_chapters', '-of', 'json', path], {
          encoding: 'utf8',
        });
        const found = (
          JSON.parse(text) as { chapters: { start_time: string; end_time: string; tags: { title: string } }[] }
        ).chapters;
        expect(found.map(({ start_time, end_time, tags }) => [start_time, end_time, tags.title])).toEqual([
          ['0.000000', '0.500000', 'One'],
          ['0.500000', '2.000000', 'Two'],
        ]);
      }
    });
  });
});

/** Child processes of this one that run ffmpeg. */
async function children(): Promise<string[]> {
  const running = await runningProcesses();
  return running
    .filter(({ parent }) => parent === process.pid)
    .flatMap(({ command }) => (command.includes('ffmpeg') ? [command] : []));
}

function without(metadata: Readonly<Record<string, string>> | undefined, ...keys: string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata ?? {}).filter(([key]) => !keys.includes(key.toUpperCase())));
}
