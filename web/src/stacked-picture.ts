import { Subject } from 'rxjs';

/** A frame that was painted. */
export interface PaintedFrame {
  /** Its time in the stream, in seconds. */
  readonly mediaTime: number;
  /** When it is seen, in milliseconds since the epoch. */
  readonly shown: number;
}

/**
 * Paints original and result from frames that hold both, one above the other. Each frame is taken once, so the two halves are
 * always of the same one, whatever comes meanwhile.
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

  readonly #original: HTMLCanvasElement;
  readonly #result: HTMLCanvasElement;
  readonly #pen: CanvasRenderingContext2D;
  #waiting: VideoFrame | undefined;

  constructor(original: HTMLCanvasElement, result: HTMLCanvasElement) {
    this.#original = original;
    this.#result = result;
    this.#pen = penOf(this.stacked);
  }

  /** Paints every frame that a video shows. */
  follow(video: HTMLVideoElement): void {
    video.requestVideoFrameCallback((_now, { mediaTime, expectedDisplayTime, width, height }) => {
      this.follow(video);
      this.#take(video, width, height);
      this.frames$.next({ mediaTime, shown: performance.timeOrigin + expectedDisplayTime });
    });
  }

  /** Takes a decoded frame, and paints it at the next repaint unless a newer one has come. */
  offer(frame: VideoFrame): void {
    if (!this.#waiting) requestAnimationFrame(() => this.#paintWaiting());
    this.#waiting?.close();
    this.#waiting = frame;
  }

  /** Paints one picture of the frame that was taken last. */
  paintHalf(half: 'original' | 'result', pen: CanvasRenderingContext2D): void {
    const { width, height } = this;
    pen.drawImage(this.stacked, 0, half === 'original' ? 0 : height, width, height, 0, 0, width, height);
  }

  #paintWaiting(): void {
    const frame = this.#waiting;
    this.#waiting = undefined;
    if (!frame) return;
    const mediaTime = frame.timestamp / 1e6;
    this.#take(frame, frame.displayWidth, frame.displayHeight);
    frame.close();
    this.frames$.next({ mediaTime, shown: Date.now() });
  }

  #take(source: CanvasImageSource, width: number, stackedHeight: number): void {
    const height = Math.floor(stackedHeight / 2);
    if (width !== this.width || height !== this.height) this.#resize(width, height);
    this.#pen.drawImage(source, 0, 0, width, height * 2);
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
