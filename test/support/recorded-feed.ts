import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BehaviorSubject, Subject } from 'rxjs';
import { constants as c } from '../../src/io/node-av/binding.js';
import type {
  CameraChunk,
  CameraFormat,
  LiveControl,
  LiveFragment,
  LiveState,
  LiveStatistics,
} from '../../src/live/index.js';
import type { EndingFeed } from '../../src/serve/index.js';
import { makeMedia } from './media.js';

/** Options of {@link RecordedFeed.make}. */
export interface RecordingOptions {
  frames?: number;
  keyframeInterval?: number;
  width?: number;
  height?: number;
  /** Adds a mebibyte to each fragment, as pictures of more detail would. */
  heavy?: boolean;
}

interface Recording {
  init: Uint8Array;
  media: { data: Uint8Array; keyframe: boolean }[];
}

/** An H.264 stream in fragmented MP4: its header, and one fragment per frame. */
async function record({
  frames = 50,
  keyframeInterval = 10,
  width = 64,
  height = 96,
  heavy = false,
}: RecordingOptions): Promise<Recording> {
  const path = join(tmpdir(), `deblur-fragments-${randomBytes(4).toString('hex')}.mp4`);
  const flags = 'empty_moov+default_base_moof+frag_every_frame';
  await makeMedia(path, {
    ...{ codec: 'libx264', format: 'yuv420p', width, height },
    timeBase: { num: 1, den: 25 },
    times: Array.from({ length: frames }, (_, i) => i),
    lastDuration: 1,
    options: { preset: 'ultrafast', tune: 'zerolatency', g: String(keyframeInterval) },
    describe: (_, output) => {
      output.setOption('movflags', flags, c.AV_OPT_TYPE_STRING, c.AV_OPT_SEARCH_CHILDREN);
    },
  });
  const bytes = await readFile(path);
  await rm(path);
  const init: Buffer[] = [];
  const media: Recording['media'] = [];
  const free = Buffer.alloc(heavy ? 2 ** 20 : 0);
  if (heavy) free.writeUInt32BE(free.length);
  if (heavy) free.write('free', 4, 'latin1');
  let moof: Buffer | undefined;
  for (let at = 0; at < bytes.length;) {
    const box = bytes.subarray(at, at + bytes.readUInt32BE(at));
    const name = box.toString('latin1', 4, 8);
    if (name === 'ftyp' || name === 'moov') init.push(box);
    if (name === 'moof') moof = box;
    if (name === 'mdat' && moof) {
      media.push({ data: Buffer.concat([moof, box, free]), keyframe: media.length % keyframeInterval === 0 });
    }
    at += box.length;
  }
  return { init: Buffer.concat(init), media };
}

/** A live session's stand-in that plays recorded fragments when it is told to, and keeps what it is asked for. */
export class RecordedFeed implements EndingFeed {
  readonly fragments = new Subject<LiveFragment>();
  readonly state: BehaviorSubject<LiveState>;
  readonly statistics: BehaviorSubject<LiveStatistics>;
  /** What was asked for, in order. */
  readonly asked: unknown[] = [];
  viewers = 0;
  /** What `push` answers. */
  accepts = true;
  /** What `snapshot` gives. */
  picture = { original: Uint8Array.of(1, 2, 3), result: Uint8Array.of(4, 5, 6) };
  readonly #recording: Recording;
  #sequence = 0;
  #group: LiveFragment[] = [];
  #next = 0;
  #timer: NodeJS.Timeout | undefined;

  private constructor(recording: Recording) {
    this.#recording = recording;
    this.state = new BehaviorSubject<LiveState>({
      ...{ source: 'live', width: 64, height: 48, model: 'light', strength: 1, paused: false, recording: false },
      ...{ processing: { width: 64, height: 48 }, fixed: false, codec: 'avc1.42c00a' },
    });
    this.statistics = new BehaviorSubject<LiveStatistics>({
      ...{ framesIn: 0, framesOut: 0, dropped: 0, fps: 0, viewers: 0 },
      latency: { p50: 10, p95: 20, p99: 30 },
    });
  }

  static async make(options: RecordingOptions = {}): Promise<RecordedFeed> {
    return new RecordedFeed(await record(options));
  }

  /** The header's bytes. */
  get init(): Uint8Array {
    return this.#recording.init;
  }

  /** Sends the next frames, and the header before the first one. */
  play(frames = 1): void {
    for (let i = 0; i < frames; i += 1) {
      if (this.#sequence === 0) this.#send('init', this.#recording.init, false);
      const { data, keyframe } = this.#recording.media[this.#next % this.#recording.media.length]!;
      this.#next += 1;
      this.#send('media', data, keyframe);
    }
    this.statistics.next({ ...this.statistics.value, framesIn: this.#next, framesOut: this.#next });
  }

  close(): Promise<void> {
    this.stop();
    this.asked.push('close');
    this.fragments.complete();
    return Promise.resolve();
  }

  /** Sends a frame every so many milliseconds until `stop`. */
  run(interval: number): void {
    this.#timer = setInterval(() => {
      this.play();
    }, interval);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #send(kind: LiveFragment['kind'], data: Uint8Array, keyframe: boolean): void {
    const frames = kind === 'init' ? [] : [{ number: this.#next - 1, captured: Date.now() }];
    const pts = kind === 'init' ? 0 : (this.#next - 1) / 25;
    const fragment: LiveFragment = { kind, data, keyframe, sequence: this.#sequence, pts, frames };
    this.#sequence += 1;
    if (keyframe) this.#group = this.#group.slice(0, 1);
    this.#group.push(fragment);
    this.fragments.next(fragment);
  }

  currentState(): LiveState {
    return this.state.value;
  }
  currentStatistics(): LiveStatistics {
    return this.statistics.value;
  }
  latestGroup(): readonly LiveFragment[] {
    return this.#group;
  }
  setViewers(count: number): void {
    this.viewers = count;
  }
  control(change: LiveControl): Promise<void> {
    this.asked.push(change);
    const { translator, ...rest } = change;
    this.state.next({ ...this.state.value, ...rest, ...(translator ? { translator } : {}) });
    return Promise.resolve();
  }
  requestKeyframe(): void {
    this.asked.push('keyframe');
  }
  snapshot(): Promise<{ original: Uint8Array; result: Uint8Array }> {
    this.asked.push('snapshot');
    return Promise.resolve(this.picture);
  }
  startRecording(path: string): Promise<void> {
    this.asked.push({ record: path });
    this.state.next({ ...this.state.value, recording: true });
    return Promise.resolve();
  }
  stopRecording(): Promise<void> {
    this.asked.push('stop recording');
    this.state.next({ ...this.state.value, recording: false });
    return Promise.resolve();
  }
  beginCamera(format: CameraFormat): void {
    this.asked.push({ camera: format });
  }
  push(chunk: CameraChunk): boolean {
    this.asked.push({ chunk });
    return this.accepts;
  }
  endCamera(): void {
    this.asked.push('end camera');
  }
}
