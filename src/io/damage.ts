import { DeblurError } from '../errors.js';
import type { Damage } from './video.js';

/** Counts what a reader could not deliver. In strict mode the first loss is an error. */
export class DamageCount implements Damage {
  lostPackets = 0;
  corruptFrames = 0;
  truncated = false;
  /** Timestamps that had to be made up or moved. */
  repairedTimestamps = 0;
  readonly #path: string;
  readonly #strict: boolean;

  constructor(path: string, strict: boolean) {
    this.#path = path;
    this.#strict = strict;
  }

  get notes(): readonly string[] {
    const notes: string[] = [];
    if (this.lostPackets > 0) {
      notes.push(`${count(this.lostPackets, 'packet')} could not be decoded; frames are missing there.`);
    }
    if (this.corruptFrames > 0) {
      notes.push(`${count(this.corruptFrames, 'frame')} had errors that the decoder covered up.`);
    }
    if (this.truncated) notes.push('The file ends before its promised end.');
    if (this.repairedTimestamps > 0) {
      notes.push(
        `${count(this.repairedTimestamps, 'timestamp')} missing, repeated or out of order in the file, and repaired.`,
      );
    }
    return notes;
  }

  /** Counts a packet that was refused. Throws `INPUT_DAMAGED` when strict. */
  losePacket(): void {
    this.lostPackets += 1;
    this.#refuse('a packet of its video cannot be decoded');
  }

  /** Counts a frame with concealed errors. Throws `INPUT_DAMAGED` when strict. */
  concealFrame(): void {
    this.corruptFrames += 1;
    this.#refuse('a frame of its video has errors');
  }

  /** Notes that the file is cut off. Throws `INPUT_DAMAGED` when strict. */
  cutOff(): void {
    if (this.truncated) return;
    this.truncated = true;
    this.#refuse('it ends before its promised end');
  }

  #refuse(what: string): void {
    if (!this.#strict) return;
    throw new DeblurError('INPUT_DAMAGED', `${this.#path} is damaged: ${what}.`, {
      hint: 'Without --strict, what can be decoded is delivered and the losses are counted.',
    });
  }
}

function count(n: number, noun: string): string {
  return n === 1 ? `1 ${noun}` : `${n} ${noun}s`;
}
