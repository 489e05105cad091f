import { mkdir } from 'node:fs/promises';
import { relative } from 'node:path';
import { frameToRgb, openVideo, writePicture } from '../src/io/index.js';
import { compareVideos } from '../src/metrics/index.js';
import { packagePath } from '../src/package-root.js';
import { ProgressBar } from '../src/cli/progress-bar.js';
import { deblurVideo } from '../src/pipeline/run.js';
import { runProgram } from '../src/cli/exit.js';
import { Command } from 'commander';

const blurry = packagePath('test/fixtures/clips/dogs-blurry.mp4');
const sharp = packagePath('test/fixtures/clips/dogs-sharp.mp4');
/** The default, which is quick, and the one that does most on strong blur. */
const models = ['light', 'maxim'] as const;
const picture = packagePath('demo/compare.png');
/** The frame that the picture shows. */
const shown = 8;
/** White columns between the pictures. */
const gap = 4;

/** A frame of a video as interleaved RGB. */
async function rgbOf(path: string, index: number): Promise<{ rgb: Uint8Array; width: number; height: number }> {
  await using reader = await openVideo(path);
  for await (const frame of reader.frames()) {
    using held = frame;
    if (held.index === index)
      return { rgb: await frameToRgb(held), width: reader.video.width, height: reader.video.height };
  }
  throw new RangeError(`${path} has no frame ${index}`);
}

/** Puts one frame of several videos side by side. */
async function writeComparison(path: string, videos: readonly string[]): Promise<void> {
  const pictures = await Promise.all(videos.map((video) => rgbOf(video, shown)));
  const height = pictures[0]?.height ?? 0;
  const width = pictures.reduce((sum, each) => sum + each.width, gap * (pictures.length - 1));
  const sheet = new Uint8Array(width * height * 3).fill(255);
  let left = 0;
  for (const { rgb, width: own } of pictures) {
    for (let y = 0; y < height; y += 1) {
      sheet.set(rgb.subarray(y * own * 3, (y + 1) * own * 3), (y * width + left) * 3);
    }
    left += own + gap;
  }
  await writePicture(path, sheet, width, height);
}

const score = (label: string, of: { psnr: number; ssim: number } | undefined) =>
  `${label.padEnd(10)} PSNR ${of?.psnr.toFixed(2)} dB, SSIM ${of?.ssim.toFixed(4)}`;

/** Deblurs the clip with a model and says how near the result is to the truth. */
async function deblur(model: string, output: string): Promise<string> {
  const bar = process.stderr.isTTY ? new ProgressBar(process.stderr) : undefined;
  const report = await deblurVideo({
    ...{ input: blurry, output, model, overwrite: true, encode: { crf: 12 } },
    onPlan: (plan) => bar?.start(plan),
    onProgress: (progress) => bar?.update(progress),
  }).finally(() => bar?.stop());
  const { mean } = await compareVideos(sharp, output);
  const speed = `${report.written} frames in ${report.seconds.toFixed(1)} s on ${report.provider}`;
  return `${score(model, mean.result)}, ${speed}`;
}

async function demo(): Promise<void> {
  await mkdir(packagePath('demo'), { recursive: true });
  const { mean } = await compareVideos(sharp, blurry);
  console.log(score('blurry', mean.result));
  const outputs = models.map((model) => packagePath(`demo/${model}.mp4`));
  for (const [i, model] of models.entries()) console.log(await deblur(model, outputs[i] ?? ''));
  await writeComparison(picture, [blurry, ...outputs, sharp]);
  const name = (path: string) => relative(process.cwd(), path);
  console.log(`${outputs.map(name).join(', ')}: the results`);
  console.log(`${name(picture)}: frame ${shown}, blurry, ${models.join(', ')} and the sharp truth`);
}

await runProgram(new Command('demo').exitOverride().action(demo), process.argv);
