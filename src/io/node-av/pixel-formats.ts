import { DeblurError } from '../../errors.js';
import { didYouMean } from '../../nearest.js';
import { av, constants as c } from './binding.js';
import { formatName, plainFormat } from './native-frame.js';

/** A pixel format as FFmpeg numbers and names it. */
export interface NamedFormat {
  readonly number: c.AVPixelFormat;
  readonly name: string;
}

/** Every software pixel format of this FFmpeg, by name. */
function pixelFormatNames(): string[] {
  const names: string[] = [];
  for (let number = 0; ; number += 1) {
    const name = av.avGetPixFmtName(number as c.AVPixelFormat);
    if (name === null) return names;
    if (!av.avIsHardwarePixelFormat(number as c.AVPixelFormat)) names.push(name);
  }
}

/** The pixel format of that name. Throws `USAGE` with near names when there is none. */
export function findPixelFormat(name: string): NamedFormat {
  const number = av.avGetPixFmtFromName(name);
  if (number < 0 || av.avIsHardwarePixelFormat(number)) {
    const hint = didYouMean(name, pixelFormatNames());
    throw new DeblurError('USAGE', `There is no pixel format named ${name}.`, { hint });
  }
  const plain = plainFormat(number);
  return { number: plain, name: formatName(plain) };
}
