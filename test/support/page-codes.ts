/// <reference lib="dom" />
import type { Page } from 'playwright-core';
import { codeSquares } from './frame-code.js';

/** The codes that were on the page's canvases at one repaint. */
export interface PageCodes {
  readonly original: number;
  readonly result: number;
  /** The page's clock, in milliseconds since the epoch. */
  readonly time: number;
}

/**
 * Reads the codes of the page's two canvases at every repaint, until that many different ones were seen.
 * @param options Size of one picture, and how many frames to see.
 */
export function readCodes(
  page: Page,
  { width, height, frames }: { width: number; height: number; frames: number },
): Promise<PageCodes[]> {
  return page.evaluate(
    async ({ squares, wanted }) => {
      const [first] = squares;
      if (!first) throw new TypeError('no squares');
      const rows = squares.filter(({ y }) => y === first.y).length;
      const strip = new OffscreenCanvas(rows, squares.length / rows);
      const pen = strip.getContext('2d', { willReadFrequently: true });
      if (!pen) throw new TypeError('no canvas to read with');
      pen.imageSmoothingEnabled = false;
      const read = (id: string): number => {
        const canvas = document.getElementById(id);
        if (!(canvas instanceof HTMLCanvasElement)) throw new TypeError(`no canvas ${id}`);
        // Nearest neighbour takes the middle of every square.
        const [across, down] = [rows * first.size, strip.height * first.size];
        pen.drawImage(canvas, first.x, first.y, across, down, 0, 0, strip.width, strip.height);
        const { data } = pen.getImageData(0, 0, strip.width, strip.height);
        return squares.reduce((code, _, bit) => ((data[bit * 4 + 1] ?? 0) > 110 ? (code | (1 << bit)) >>> 0 : code), 0);
      };
      const codes: { original: number; result: number; time: number }[] = [];
      while (codes.length < wanted) {
        await new Promise(requestAnimationFrame);
        const [original, result] = [read('original'), read('result')];
        if (codes.at(-1)?.original !== original) codes.push({ original, result, time: Date.now() });
      }
      return codes;
    },
    { squares: codeSquares(width, height), wanted: frames },
  );
}
