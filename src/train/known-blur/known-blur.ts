import type { Random } from '../random.js';
import type { DecodedPicture } from '../sets/picture-cache.js';

/**
 * Gives sharp pictures of a camera a blur that a deblurring network knows, and leaves all else as the camera made it.
 */
export interface KnownBlur extends AsyncDisposable {
  /** What blurs, for logs and manifests. */
  readonly name: string;
  /**
   * Blurs a picture.
   *
   * @param random draws the blur: the same gives the same.
   * @returns a picture of the same size.
   */
  blur(picture: DecodedPicture, random: Random): Promise<DecodedPicture>;
}
