import { DeblurError } from '../errors.js';
import { didYouMean } from '../nearest.js';
import type { WriterOptions } from './video.js';

/** Encoder options by FFmpeg's names, in the order in which they are set. */
export interface EncoderSettings {
  readonly options: ReadonlyMap<string, string>;
  /** A fixed quantiser scale (FFmpeg's `-q:v`) for encoders that have no `crf`. */
  readonly quantiser?: number;
}

const x26x = new Set(['libx264', 'libx264rgb', 'libx265']);
const x26xPresets = 'ultrafast superfast veryfast faster fast medium slow slower veryslow placebo'.split(' ');
const x26xTunes = 'film animation grain stillimage psnr ssim fastdecode zerolatency zero-latency'.split(' ');

/** FFmpeg's own encoders that quantise by a fixed scale when asked for a quality. */
const fixedQuantiser = new Set([
  'mpeg4',
  'mpeg2video',
  'mpeg1video',
  'mjpeg',
  'libxvid',
  'flv',
  'h263',
  'msmpeg4',
  'wmv1',
  'wmv2',
]);

/**
 * Turns quality, preset and free options into the encoder's own. `has` tells whether the encoder knows an option.
 * Throws `USAGE` where it has no such setting.
 */
export function encoderSettings(
  encoder: string,
  wanted: Pick<WriterOptions, 'crf' | 'preset' | 'encoderOptions'>,
  has: (option: string) => boolean,
): EncoderSettings {
  const options = new Map<string, string>();
  const free = wanted.encoderOptions ?? {};
  let quantiser: number | undefined;
  if (wanted.crf !== undefined) {
    const key = ['crf', 'cq'].find(has);
    if (key !== undefined) options.set(key, String(wanted.crf));
    else if (fixedQuantiser.has(encoder)) quantiser = wanted.crf;
    else {
      throw new DeblurError('USAGE', `The encoder ${encoder} has no constant quality setting (crf).`, {
        hint: 'Set its own encoder options, for instance b=8M for a bit rate.',
      });
    }
  } else if (x26x.has(encoder) && !['crf', 'qp', 'b'].some((key) => key in free)) options.set('crf', '18');
  if (wanted.preset !== undefined) {
    if (!has('preset')) throw new DeblurError('USAGE', `The encoder ${encoder} has no presets.`);
    options.set('preset', wanted.preset);
  }
  for (const [key, value] of Object.entries(free)) options.set(key, value);
  if (x26x.has(encoder)) checkX26x(encoder, options);
  // x265 reports on the terminal, past FFmpeg's log.
  if (encoder === 'libx265')
    options.set('x265-params', ['log-level=error', free['x265-params']].filter(Boolean).join(':'));
  return quantiser === undefined ? { options } : { options, quantiser };
}

/** Names a wrong preset or tune, which x264 and x265 would print to the terminal, past FFmpeg's log. */
function checkX26x(encoder: string, options: ReadonlyMap<string, string>): void {
  const preset = options.get('preset');
  if (preset !== undefined && !x26xPresets.includes(preset)) {
    throw new DeblurError('USAGE', `The encoder ${encoder} has no preset named ${preset}.`, {
      hint: `Its presets are ${x26xPresets.join(', ')}.`,
    });
  }
  const tune = options.get('tune')?.split(/[,./+-]/) ?? [];
  const unknown = tune.find((each) => !x26xTunes.includes(each));
  if (unknown !== undefined && options.get('tune') !== 'zero-latency') {
    throw refusedOption(encoder, 'tune', unknown, `it knows ${x26xTunes.join(', ')}`);
  }
}

/** A line of an encoder's log that says that it ignores an option it was given. */
export function ignoredOption(line: string): boolean {
  return /(^|\] )(Error parsing option|Unknown option|Invalid value for)/.test(line);
}

/** The error for a parameter that the encoder would only complain of in its log. */
export function ignoredOptionError(encoder: string, line: string): DeblurError {
  const words = line.replace(/^(\[[^\]]*\] )*/, '').trim();
  return new DeblurError('USAGE', `The encoder ${encoder} refuses an option: ${words.replace(/\.$/, '')}.`);
}

/** The error for an option that the encoder does not have. */
export function unknownOption(encoder: string, key: string, known: Iterable<string>): DeblurError {
  const hint = didYouMean(key, known);
  return new DeblurError('USAGE', `The encoder ${encoder} has no option named ${key}.`, { hint });
}

/** The error for a value that the encoder refuses. */
export function refusedOption(encoder: string, key: string, value: string, reason: string): DeblurError {
  return new DeblurError(
    'USAGE',
    `The encoder ${encoder} refuses "${value}" for its option ${key}: ${reason.replace(/\.$/, '')}.`,
  );
}

/** The error for an encoder that does not exist. */
export function unknownEncoder(name: string, known: Iterable<string>): DeblurError {
  const hint = didYouMean(name, known);
  return new DeblurError('CODEC_UNAVAILABLE', `There is no video encoder named ${name}.`, { hint });
}
