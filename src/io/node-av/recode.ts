import { DeblurError } from '../../errors.js';
import { av, constants as c } from './binding.js';
import { check } from './failure.js';
import { pictureFromRgb, rgbOfPicture } from './picture.js';
import { Scaler } from './scaler.js';

/** How pictures are encoded. */
export interface RecodeOptions {
  /** The encoder. */
  readonly codec: string;
  /** Its options. */
  readonly options: Readonly<Record<string, string>>;
}

/** Encodes pictures (interleaved 8-bit RGB) in 4:2:0 and decodes them again, without a container. */
export async function recode(
  pictures: readonly Uint8Array[],
  width: number,
  height: number,
  { codec, options }: RecodeOptions,
): Promise<Uint8Array[]> {
  const found = av.Codec.findEncoderByName(codec as Parameters<typeof av.Codec.findEncoderByName>[0]);
  const decoderCodec = found && av.Codec.findDecoder(found.id);
  if (!found || !decoderCodec) throw new DeblurError('CODEC_UNAVAILABLE', `There is no ${codec} in this FFmpeg.`);
  using encoder = new av.CodecContext();
  encoder.allocContext3(found);
  Object.assign(encoder, { width, height, pixelFormat: c.AV_PIX_FMT_YUV420P, timeBase: new av.Rational(1, 30) });
  for (const [key, value] of Object.entries({ ...options, 'x265-params': 'log-level=error' })) {
    if (key === 'x265-params' && codec !== 'libx265') continue;
    check(encoder.setOption(key, value, c.AV_OPT_TYPE_STRING, c.AV_OPT_SEARCH_CHILDREN), 'ENGINE_FAILED', key);
  }
  check(await encoder.open2(found), 'ENGINE_FAILED', `${codec} can't be opened`);
  using decoder = new av.CodecContext();
  decoder.allocContext3(decoderCodec);
  check(await decoder.open2(decoderCodec), 'ENGINE_FAILED', `The decoder of ${codec} can't be opened`);
  using scaler = new Scaler();
  const results: Uint8Array[] = [];

  const drainDecoder = async () => {
    for (;;) {
      using frame = new av.Frame();
      frame.alloc();
      if ((await decoder.receiveFrame(frame)) < 0) return;
      using rgb = await scaler.convert(frame, { format: c.AV_PIX_FMT_RGB24, width, height });
      results.push(rgbOfPicture(rgb));
    }
  };
  const drainEncoder = async () => {
    for (;;) {
      using packet = new av.Packet();
      packet.alloc();
      if ((await encoder.receivePacket(packet)) < 0) return;
      check(await decoder.sendPacket(packet), 'ENGINE_FAILED', 'A compressed frame cannot be decoded');
      await drainDecoder();
    }
  };
  for (const [i, picture] of pictures.entries()) {
    using rgb = pictureFromRgb(picture, width, height);
    using yuv = await scaler.convert(rgb, { format: c.AV_PIX_FMT_YUV420P, width, height });
    yuv.pts = BigInt(i);
    yuv.pictType = c.AV_PICTURE_TYPE_NONE;
    check(await encoder.sendFrame(yuv), 'ENGINE_FAILED', 'A picture cannot be encoded');
    await drainEncoder();
  }
  check(await encoder.sendFrame(null), 'ENGINE_FAILED', 'The encoder cannot be flushed');
  await drainEncoder();
  await decoder.sendPacket(null);
  await drainDecoder();
  return results;
}
