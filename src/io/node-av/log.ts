import './with-resolvers.js';
import { Log } from 'node-av/lib';
import { AV_LOG_ERROR, AV_LOG_INFO, type AVLogLevel } from 'node-av/constants';

/** A piece of FFmpeg's log: a whole line as a rule; a line that FFmpeg prints in parts arrives in parts, and its end as ''. */
export interface LogPiece {
  readonly level: AVLogLevel;
  readonly text: string;
}

const listeners = new Set<(piece: LogPiece) => void>();

/** Sends FFmpeg's log here in place of stderr. Called once, when the binding is loaded. */
export function takeLog(): void {
  Log.setCallback(
    (level, text) => {
      for (const listener of listeners) listener({ level, text });
    },
    { maxLevel: AV_LOG_INFO },
  );
}

/** A recording of FFmpeg's log. It is the whole process's log: what runs at the same time speaks into it, too. */
export class LogRecording implements Disposable {
  readonly pieces: LogPiece[] = [];
  /** Pieces kept; older ones are forgotten. */
  readonly #limit: number;
  readonly #listener = (piece: LogPiece): void => {
    this.pieces.push(piece);
    if (this.pieces.length > this.#limit) this.pieces.shift();
  };

  constructor(limit = 256) {
    this.#limit = limit;
    listeners.add(this.#listener);
  }

  /** Resolves when everything logged before this call has arrived (the binding hands lines over asynchronously). */
  async settle(): Promise<void> {
    const mark = `mark ${Math.random()}`;
    await new Promise<void>((resolve) => {
      const listener = (piece: LogPiece): void => {
        if (piece.text !== mark) return;
        listeners.delete(listener);
        resolve();
      };
      listeners.add(listener);
      Log.log(AV_LOG_INFO, mark);
    });
    const last = this.pieces.findIndex((piece) => piece.text === mark);
    if (last >= 0) this.pieces.splice(last, 1);
  }

  /** What FFmpeg called an error, the newest last. */
  get errors(): string[] {
    return this.pieces
      .filter((piece) => piece.level <= AV_LOG_ERROR && piece.text.trim() !== '')
      .map((p) => p.text.trim());
  }

  [Symbol.dispose](): void {
    listeners.delete(this.#listener);
  }
}
