import type { ColorTags, Frame, Rational } from './frame.js';

/** Who decodes and encodes: FFmpeg's libraries inside the process, or the user's own ffmpeg binary. */
export type Engine = 'node-av' | 'ffmpeg';

/** A stream of a container. */
export interface StreamInfo {
  readonly index: number;
  readonly type: 'video' | 'audio' | 'subtitle' | 'data' | 'attachment' | 'unknown';
  /** FFmpeg's codec name, for instance `h264`. */
  readonly codec: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What is known of the video stream before the first frame. */
export interface VideoStreamInfo extends StreamInfo {
  readonly type: 'video';
  readonly width: number;
  readonly height: number;
  /** FFmpeg's pixel format name of the decoded frames (after a conversion that was asked for). */
  readonly format: string;
  readonly timeBase: Rational;
  /** Average frame rate as the container states it; for display and rate control, never for timestamps. `0/1` where unknown. */
  readonly averageRate: Rational;
  readonly sampleAspectRatio: Rational;
  readonly color: ColorTags;
  /** Clockwise display rotation in degrees, from the display matrix. */
  readonly rotation: number;
  /** Frames the container promises, where it does. */
  readonly frameCount: number | undefined;
}

/** A container and its streams. */
export interface MediaInfo {
  readonly path: string;
  /** FFmpeg's demuxer name. */
  readonly container: string;
  /** Seconds, where known. */
  readonly duration: number | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly chapters: number;
  readonly streams: readonly StreamInfo[];
}

/** What could not be decoded. Final once `frames()` has ended. */
export interface Damage {
  /** Packets the demuxer or the decoder refused. */
  readonly lostPackets: number;
  /** Frames decoded with concealed errors. */
  readonly corruptFrames: number;
  /** True when the file ends before its promised end. */
  readonly truncated: boolean;
  /** One sentence per kind of damage, for the report. */
  readonly notes: readonly string[];
}

/** Options of {@link openVideo}. */
export interface ReaderOptions {
  /** Default `node-av`. */
  engine?: Engine;
  /** Deliver frames in this FFmpeg pixel format (converted by swscale where it differs). Default: the decoder's own. */
  format?: string;
  /** Fail at the first damaged packet or frame in place of counting it. Default false. */
  strict?: boolean;
  /** Ends the reading with a `CANCELLED` error. */
  signal?: AbortSignal;
}

/** A video's frames in presentation order. */
export interface VideoReader extends AsyncDisposable {
  readonly engine: Engine;
  readonly info: MediaInfo;
  readonly video: VideoStreamInfo;
  readonly damage: Damage;
  /** Yields every frame once; the consumer disposes each. May be called once. */
  frames(): AsyncGenerator<Frame, void, undefined>;
  /** Frees native handles and ends child processes; safe to call twice and while `frames()` is suspended. */
  close(): Promise<void>;
}

/** Options of {@link createVideo}. */
export interface WriterOptions {
  /** Encoder name, as FFmpeg lists it. Default: `libx264` in mp4/mov/mkv, `libvpx-vp9` in webm, …: the container's usual one. */
  codec?: string;
  /** Constant quality on the encoder's own scale. Default 18 for x264 and x265, the encoder's default elsewhere. */
  crf?: number;
  /** Encoder preset. Default `medium` for x264 and x265. */
  preset?: string;
  /** FFmpeg pixel format to encode. Default: the frames' own, or the nearest the encoder takes. */
  format?: string;
  /** Any other private or generic encoder option, FFmpeg's names. */
  encoderOptions?: Readonly<Record<string, string>>;
  /** FFmpeg's muxer name. Default: by the file's extension. */
  container?: string;
  /** Replace an existing file. Default false. */
  overwrite?: boolean;
  /** Encoder threads. Default 0: as many as the encoder likes. */
  threads?: number;
  /** Ends the writing with a `CANCELLED` error and removes the temporary file. */
  signal?: AbortSignal;
}

/** A stream that did not go through as it was. */
export interface StreamNote {
  readonly index: number;
  readonly type: StreamInfo['type'];
  readonly codec: string;
  readonly action: 'converted' | 'left';
  /** A full sentence: what was done and why. */
  readonly reason: string;
}

/** What a finished writer wrote. */
export interface WriteReport {
  readonly path: string;
  readonly frames: number;
  readonly bytes: number;
  readonly codec: string;
  /** Pixel format that was encoded. */
  readonly format: string;
  readonly streams: readonly StreamNote[];
}

/**
 * Encodes frames and muxes them beside the source's other streams. The output grows under a temporary
 * name in the target's folder and takes its name in `finish`.
 */
export interface VideoWriter extends AsyncDisposable {
  readonly engine: Engine;
  /** Streams converted or left out, known once the header is written. */
  readonly notes: readonly StreamNote[];
  /** Encodes one frame, in presentation order; takes ownership and disposes it. Resolves when the encoder has accepted it. */
  write(frame: Frame): Promise<void>;
  /** Flushes the encoder, completes the container and renames it into place. */
  finish(): Promise<WriteReport>;
  /** Stops and removes the temporary file. Safe to call at any time, also after `finish` (then it does nothing). */
  abort(): Promise<void>;
}
