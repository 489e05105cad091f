import { DeblurError } from '../../errors.js';
import { AtomicFile } from '../atomic-file.js';
import type { Frame } from '../frame.js';
import { av, constants as c } from './binding.js';
import { check } from './failure.js';
import { allocatePicture, nativePicture } from './native-frame.js';
import { Scaler } from './scaler.js';

/** The frame in packed RGB; see {@link frameToRgb} of `picture.ts`. */
export async function toRgb(frame: Frame): Promise<Uint8Array> {
  const { width, height } = frame.properties;
  using source = nativePicture(frame);
  using scaler = new Scaler();
  using picture = await scaler.convert(source, { format: c.AV_PIX_FMT_RGB24, width, height });
  return rgbOfPicture(picture);
}

/** The samples of a picture in `rgb24`, without padding. */
export function rgbOfPicture(picture: av.Frame): Uint8Array {
  const { width, height } = picture;
  const rows = picture.data?.[0] ?? Buffer.alloc(0);
  const stride = picture.linesize[0] ?? 0;
  const result = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    result.set(rows.subarray(y * stride, y * stride + width * 3), y * width * 3);
  }
  return result;
}

/** A picture in `rgb24` with these samples, which the caller frees. */
export function pictureFromRgb(rgb: Uint8Array, width: number, height: number): av.Frame {
  const picture = allocatePicture(c.AV_PIX_FMT_RGB24, width, height);
  const rows = picture.data?.[0] ?? Buffer.alloc(0);
  const stride = picture.linesize[0] ?? 0;
  for (let y = 0; y < height; y += 1) rows.set(rgb.subarray(y * width * 3, (y + 1) * width * 3), y * stride);
  return picture;
}

/** Encodes packed RGB as PNG with FFmpeg's encoder. */
export async function encodePng(rgb: Uint8Array, width: number, height: number): Promise<Buffer> {
  using picture = pictureFromRgb(rgb, width, height);
  picture.pts = 0n;
  const codec = av.Codec.findEncoder(c.AV_CODEC_ID_PNG);
  if (!codec) throw new DeblurError('CODEC_UNAVAILABLE', 'There is no PNG encoder in this FFmpeg.');
  using context = new av.CodecContext();
  context.allocContext3(codec);
  context.width = width;
  context.height = height;
  context.pixelFormat = c.AV_PIX_FMT_RGB24;
  context.timeBase = new av.Rational(1, 1);
  check(await context.open2(codec), 'ENGINE_FAILED', 'The PNG encoder cannot be opened');
  check(await context.sendFrame(picture), 'ENGINE_FAILED', 'The picture cannot be encoded');
  using packet = new av.Packet();
  packet.alloc();
  check(await context.sendFrame(null), 'ENGINE_FAILED', 'The picture cannot be encoded');
  check(await context.receivePacket(packet), 'ENGINE_FAILED', 'The picture cannot be encoded');
  return Buffer.from(packet.data ?? Buffer.alloc(0));
}

/** Writes bytes under a temporary name and renames them into place. */
export async function writeAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const file = await AtomicFile.create(path, { overwrite: true });
  await file.write(bytes);
  await file.commit();
}
