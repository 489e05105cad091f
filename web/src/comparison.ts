import { BehaviorSubject } from 'rxjs';

/** How original and result are shown. */
export type View = 'slider' | 'side' | 'result';

/** Percent that arrow keys and page keys move the divider by. */
const smallStep = 1;
const largeStep = 10;

/** The picture's views and the divider of the slider: by mouse, touch and keyboard. */
export class Comparison {
  readonly view$ = new BehaviorSubject<View>('slider');
  /** Where the divider is, in percent of the width: left of it is the original. */
  readonly split$ = new BehaviorSubject(50);

  readonly #picture: HTMLElement;
  readonly #handle: HTMLElement;

  constructor(picture: HTMLElement, handle: HTMLElement) {
    this.#picture = picture;
    this.#handle = handle;
    this.view$.subscribe((view) => {
      picture.dataset['view'] = view;
    });
    this.split$.subscribe((split) => this.#show(split));
    picture.addEventListener('pointerdown', (event) => this.#grab(event));
    picture.addEventListener('pointermove', (event) => {
      if (picture.hasPointerCapture(event.pointerId)) this.#follow(event);
    });
    handle.addEventListener('keydown', (event) => this.#key(event));
  }

  /** Moves the divider. */
  split(percent: number): void {
    this.split$.next(Math.min(100, Math.max(0, percent)));
  }

  #grab(event: PointerEvent): void {
    if (event.button !== 0 || !event.isPrimary || this.view$.value !== 'slider') return;
    if (this.#picture.dataset['lens'] === 'true') return;
    this.#picture.setPointerCapture(event.pointerId);
    this.#handle.focus({ preventScroll: true });
    event.preventDefault();
    this.#follow(event);
  }

  #follow(event: PointerEvent): void {
    const { left, width } = this.#picture.getBoundingClientRect();
    this.split(((event.clientX - left) / width) * 100);
  }

  #key(event: KeyboardEvent): void {
    if (event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = this.#target(event.key);
    if (to === undefined) return;
    event.preventDefault();
    this.split(to);
  }

  #target(key: string): number | undefined {
    const at = this.split$.value;
    switch (key) {
      case 'ArrowLeft':
      case 'ArrowDown':
        return at - smallStep;
      case 'ArrowRight':
      case 'ArrowUp':
        return at + smallStep;
      case 'PageDown':
        return at - largeStep;
      case 'PageUp':
        return at + largeStep;
      case 'Home':
        return 0;
      case 'End':
        return 100;
      default:
        return undefined;
    }
  }

  #show(split: number): void {
    this.#picture.style.setProperty('--split', `${split}%`);
    this.#handle.setAttribute('aria-valuenow', String(Math.round(split)));
    this.#handle.setAttribute('aria-valuetext', `${Math.round(split)} % original`);
  }
}
