import { BehaviorSubject } from 'rxjs';
import { penOf, type StackedPicture } from './stacked-picture.js';

const leastZoom = 2;
const mostZoom = 8;
/** Share of the picture that a key press moves the lens by. */
const keyStep = 0.02;

/**
 * A loupe over the picture. It enlarges the place under the pointer: its left half shows the original, its right half the result.
 */
export class Lens {
  readonly shown$ = new BehaviorSubject(false);

  readonly #canvas: HTMLCanvasElement;
  readonly #picture: HTMLElement;
  readonly #source: StackedPicture;
  #zoom = 3;
  /** What the lens looks at, in shares of the picture. */
  #x = 0.5;
  #y = 0.5;

  constructor(canvas: HTMLCanvasElement, picture: HTMLElement, source: StackedPicture) {
    this.#canvas = canvas;
    this.#picture = picture;
    this.#source = source;
    source.frames$.subscribe(() => this.#paint());
    picture.addEventListener('pointermove', (event) => this.#follow(event));
    picture.addEventListener('pointerdown', (event) => this.#follow(event));
    picture.addEventListener(
      'wheel',
      (event) => {
        if (!this.shown$.value) return;
        event.preventDefault();
        this.zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15);
      },
      { passive: false },
    );
  }

  toggle(): void {
    const shown = !this.shown$.value;
    this.#canvas.hidden = !shown;
    this.#picture.dataset['lens'] = String(shown);
    this.shown$.next(shown);
    this.#place();
  }

  /** Enlarges more (above 1) or less. */
  zoom(factor: number): void {
    this.#zoom = Math.min(mostZoom, Math.max(leastZoom, this.#zoom * factor));
    this.#paint();
  }

  /** Moves by steps of a key. */
  move(right: number, down: number): void {
    this.#x = clamp(this.#x + right * keyStep);
    this.#y = clamp(this.#y + down * keyStep);
    this.#place();
  }

  #follow(event: PointerEvent): void {
    if (!this.shown$.value) return;
    const pane = this.#paneAt(event.clientX, event.clientY);
    this.#x = clamp((event.clientX - pane.left) / pane.width);
    this.#y = clamp((event.clientY - pane.top) / pane.height);
    this.#place(pane);
  }

  /** The half of the picture at a point: side by side there are two. */
  #paneAt(x: number, y: number): DOMRect {
    const panes = [...this.#picture.querySelectorAll('.half')].map((half) => half.getBoundingClientRect());
    const at = panes.find((pane) => x >= pane.left && x <= pane.right && y >= pane.top && y <= pane.bottom);
    return at ?? panes[0] ?? this.#picture.getBoundingClientRect();
  }

  #place(pane?: DOMRect): void {
    if (!this.shown$.value) return;
    const outer = this.#picture.getBoundingClientRect();
    const inner = pane ?? this.#picture.querySelector('.half')?.getBoundingClientRect() ?? outer;
    const size = this.#canvas.offsetWidth;
    const left = inner.left - outer.left + this.#x * inner.width - size / 2;
    const top = inner.top - outer.top + this.#y * inner.height - size / 2;
    this.#canvas.style.transform = `translate(${left}px, ${top}px)`;
    this.#paint();
  }

  #paint(): void {
    const { width, height, stacked } = this.#source;
    if (!this.shown$.value || width === 0) return;
    const size = Math.round(this.#canvas.clientWidth * devicePixelRatio);
    if (this.#canvas.width !== size) this.#canvas.width = this.#canvas.height = size;
    const pen = penOf(this.#canvas);
    const shownWidth = this.#picture.querySelector('canvas')?.clientWidth ?? width;
    // Samples of the picture across the lens.
    const span = (this.#canvas.clientWidth / this.#zoom) * (width / shownWidth);
    const x = this.#x * width - span / 2;
    const y = this.#y * height - span / 2;
    pen.imageSmoothingQuality = 'high';
    pen.fillRect(0, 0, size, size);
    this.#paintHalf(pen, stacked, { x, y, span, size, top: 0, left: 0 });
    this.#paintHalf(pen, stacked, { x, y, span, size, top: height, left: size / 2 });
    pen.fillStyle = 'rgb(255 255 255 / 85%)';
    pen.fillRect(Math.round(size / 2) - 0.5 * devicePixelRatio, 0, devicePixelRatio, size);
    pen.fillStyle = '#000';
  }

  /** Paints the left or the right half of the lens, and nothing of the other picture where it reaches over the edge. */
  #paintHalf(
    pen: CanvasRenderingContext2D,
    stacked: HTMLCanvasElement,
    { x, y, span, size, top, left }: { x: number; y: number; span: number; size: number; top: number; left: number },
  ): void {
    const { width, height } = this.#source;
    const scale = size / span;
    pen.save();
    pen.beginPath();
    pen.rect(left, 0, size / 2, size);
    pen.clip();
    pen.drawImage(stacked, 0, top, width, height, -x * scale, -y * scale, width * scale, height * scale);
    pen.restore();
  }
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}
