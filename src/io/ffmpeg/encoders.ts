import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { unknownEncoder } from '../encoder-settings.js';
import { av, constants as c } from '../node-av/binding.js';
import type { Container } from '../node-av/container.js';
import type { Binary } from './binary.js';

const run = promisify(execFile);

/** An encoder of the user's ffmpeg. */
export interface EncoderHelp {
  readonly name: string;
  /** Option names it knows, its own and FFmpeg's general ones. */
  readonly options: ReadonlySet<string>;
  /** Pixel formats it takes, as far as this process knows them; undefined where it does not say. */
  readonly formats: readonly c.AVPixelFormat[] | undefined;
}

/** The encoder of that name (or for the codec of that name), or the container's usual one. Throws `CODEC_UNAVAILABLE` with near names. */
export async function findEncoder(
  binary: Binary,
  wanted: string | undefined,
  container: Container,
): Promise<EncoderHelp> {
  const list = await videoEncoders(binary);
  const name =
    wanted ?? av.Codec.findEncoder(container.defaults.video)?.name ?? av.avGetCodecName(container.defaults.video) ?? '';
  const found = list.find((each) => each.name === name) ?? list.find((each) => each.codec === name);
  if (!found)
    throw unknownEncoder(
      name,
      list.map((each) => each.name),
    );
  return readHelp(binary, found.name);
}

async function videoEncoders(binary: Binary): Promise<{ name: string; codec: string }[]> {
  const { stdout } = await run(binary.path, ['-hide_banner', '-encoders'], { maxBuffer: 1 << 24 });
  return [...stdout.matchAll(/^ V[A-Z.]{5} (\S+)\s+(.*)$/gm)].map(([, name, text]) => ({
    name: name!,
    codec: /\(codec (\S+)\)/.exec(text!)?.[1] ?? name!,
  }));
}

async function readHelp(binary: Binary, name: string): Promise<EncoderHelp> {
  const { stdout } = await run(binary.path, ['-hide_banner', '-h', `encoder=${name}`], { maxBuffer: 1 << 24 });
  const own = [...stdout.matchAll(/^ {2}-([\w-]+)\s+<\w+>/gm)].map(([, option]) => option!);
  const formats = /^ {4}Supported pixel formats: (.*)$/m
    .exec(stdout)?.[1]
    ?.trim()
    .split(/\s+/)
    .map((each) => av.avGetPixFmtFromName(each))
    .filter((each) => each >= 0);
  return { name, options: new Set([...own, ...generalOptions()]), formats };
}

/** Options that all encoders share. */
function generalOptions(): string[] {
  using context = new av.CodecContext();
  context.allocContext3(null);
  return context
    .listOptions()
    .filter(
      (option) =>
        option.hasFlags(c.AV_OPT_FLAG_ENCODING_PARAM, c.AV_OPT_FLAG_VIDEO_PARAM) && option.type !== c.AV_OPT_TYPE_CONST,
    )
    .map((option) => option.name ?? '');
}
