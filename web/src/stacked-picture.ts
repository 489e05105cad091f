import { Subject } from 'rxjs';

/** A frame that was painted. */
export interface PaintedFrame {
  /** Its time in the stream, in seconds. */
  readonly mediaTime: number;
  /** When it is seen, in milliseconds since the epoch. */
  readonly shown: number;
}

/**
 * Paints original and result from a video whose frames hold both, one above the other. Each frame is taken from the video once,
 * so the two halves are always of the same frame, whatever the video shows meanwhile.
 */
export class StackedPicture {
  /** Width of one picture. */
  width = 0;
  /** Height of one picture. */
  height = 0;
  /** The frame that was taken last: the original above, the result below. */
  readonly stacked = document.createElement('canvas');
  readonly frames$ = new Subject<PaintedFrame>();
  /** Fires when the size has changed, before the first frame of that size. */
  readonly size$ = new Subject<{ width: number; height: number }>();

  readonly #video: HTMLVideoElement;
  readonly #original: HTMLCanvasElement;
  readonly #result: HTMLCanvasElement;
  readonly #pen: CanvasRenderingContext2D;

  constructor(video: HTMLVideoElement, original: HTMLCanvasElement, result: HTMLCanvasElement) {
    this.#video = video;
    this.#original = original;
    this.#result = result;
    this.#pen = penOf(this.stacked);
    this.#await();
  }

  /** Paints one picture of the frame that was taken last. */
  paintHalf(half: 'original' | 'result', pen: CanvasRenderingContext2D): void {
    const { width, height } = this;
    pen.drawImage(this.stacked, 0, half === 'original' ? 0 : height, width, height, 0, 0, width, height);
  }

  #await(): void {
    this.#video.requestVideoFrameCallback((_now, { mediaTime, expectedDisplayTime, width, height }) => {
      this.#await();
      this.#take(width, height);
      this.frames$.next({ mediaTime, shown: performance.timeOrigin + expectedDisplayTime });
    });
  }

  #take(width: number, stackedHeight: number): void {
    const height = Math.floor(stackedHeight / 2);
    if (width !== this.width || height !== this.height) this.#resize(width, height);
    this.#pen.drawImage(this.#video, 0, 0, width, height * 2);
    this.paintHalf('original', penOf(this.#original));
    this.paintHalf('result', penOf(this.#result));
  }

  #resize(width: number, height: number): void {
    this.width = width;
    this.height = height;
    this.stacked.width = width;
    this.stacked.height = height * 2;
    for (const canvas of [this.#original, this.#result]) {
      canvas.width = width;
      canvas.height = height;
    }
    this.size$.next({ width, height });
  }
}

/** A canvas's opaque drawing context; the same one every time. */
export function penOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const pen = canvas.getContext('2d', { alpha: false });
  if (!pen) throw new TypeError('This browser draws on no canvas.');
  return pen;
}
