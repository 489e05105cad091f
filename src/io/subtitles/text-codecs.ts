import { isBlank, MarkupBuilder, plainText, withTags, type Markup, type Style } from './markup.js';

/** How a text subtitle codec puts a cue into a packet. */
export interface TextCodec {
  /** The cue in a packet's data. */
  decode(data: Buffer): Markup;
  /** A packet's data for the cue, the `order`-th of its stream. */
  encode(markup: Markup, order: number): Buffer;
  /** Codec header (FFmpeg's extradata) that a stream needs. */
  readonly header?: Buffer;
}

/** SubRip: HTML-like tags. */
const subrip: TextCodec = {
  decode: (data) => parseTags(text(data).replace(/\{\\[^}]*\}/g, '')),
  encode: (markup) =>
    Buffer.from(
      withTags(
        markup,
        (s) => `<${s}>`,
        (s) => `</${s}>`,
        (t) => t,
      ),
    ),
};

/** WebVTT (W3C, §3.2): tags and character references. */
const webvtt: TextCodec = {
  decode: (data) => parseTags(text(data), unescapeHtml),
  encode: (markup) =>
    Buffer.from(
      withTags(
        markup,
        (s) => `<${s}>`,
        (s) => `</${s}>`,
        (t) => t.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;'),
      ),
    ),
};

/** Plain text. */
const plain: TextCodec = {
  decode: (data) => {
    const builder = new MarkupBuilder();
    builder.add(text(data));
    return builder.build();
  },
  encode: (markup) => Buffer.from(plainText(markup)),
};

/** Advanced SubStation Alpha as Matroska keeps it: nine fields, the last the text with `{\…}` overrides. */
const ass: TextCodec = {
  decode: (data) => parseAss(text(data).split(',').slice(8).join(',')),
  encode: (markup, order) => {
    const body = withTags(
      markup,
      (s) => `{\\${s}1}`,
      (s) => `{\\${s}0}`,
      (t) => t.replace(/\n/g, '\\N'),
    );
    return Buffer.from(`${order},0,Default,,0,0,0,,${body}`);
  },
  header: Buffer.from(
    [
      '[Script Info]',
      'ScriptType: v4.00+',
      'PlayResX: 384',
      'PlayResY: 288',
      'ScaledBorderAndShadow: yes',
      '',
      '[V4+ Styles]',
      'Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding',
      'Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1',
      '',
      '[Events]',
      'Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text',
      '',
    ].join('\r\n'),
  ),
};

/** 3GPP timed text (TS 26.245 §5.17): a length, UTF-8 text, and boxes of which `styl` is read and written. */
const timedText: TextCodec = {
  decode: (data) => {
    if (data.length < 2) return [];
    const end = Math.min(2 + data.readUInt16BE(0), data.length);
    return styled([...text(data.subarray(2, end))], styleRecords(data.subarray(end)));
  },
  encode: (markup) => {
    const body = Buffer.from(plainText(markup)).subarray(0, 0xffff);
    const records: Buffer[] = [];
    let position = 0;
    for (const { text: run, styles } of markup) {
      const length = [...run].length;
      if (styles.size > 0) {
        const face = (styles.has('b') ? 1 : 0) | (styles.has('i') ? 2 : 0) | (styles.has('u') ? 4 : 0);
        const record = Buffer.from([0, 0, 0, 0, 0, 1, face, 18, 255, 255, 255, 255]);
        record.writeUInt16BE(position, 0);
        record.writeUInt16BE(position + length, 2);
        records.push(record);
      }
      position += length;
    }
    const length = Buffer.alloc(2);
    length.writeUInt16BE(body.length);
    if (records.length === 0) return Buffer.concat([length, body]);
    const head = Buffer.alloc(10);
    head.writeUInt32BE(10 + records.length * 12, 0);
    head.write('styl', 4, 'latin1');
    head.writeUInt16BE(records.length, 8);
    return Buffer.concat([length, body, head, ...records]);
  },
  header: Buffer.concat([
    // Display flags, centred at the bottom, transparent background, text box of the whole picture.
    Buffer.from([0, 0, 0, 0, 1, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    // Default style: all characters, font 1, regular, size 18, opaque white.
    Buffer.from([0, 0, 0, 0, 0, 1, 0, 18, 255, 255, 255, 255]),
    // Font table: font 1 is "Serif".
    Buffer.from([0, 0, 0, 18, ...Buffer.from('ftab'), 0, 1, 0, 1, 5, ...Buffer.from('Serif')]),
  ]),
};

/** Text subtitle codecs by FFmpeg's name. */
export const textCodecs: ReadonlyMap<string, TextCodec> = new Map([
  ['subrip', subrip],
  ['srt', subrip],
  ['mov_text', timedText],
  ['webvtt', webvtt],
  ['ass', ass],
  ['ssa', ass],
  ['text', plain],
]);

/** A packet's data in another text codec, or undefined where it shows nothing (the gaps of timed text). */
export function convertText(data: Buffer, from: TextCodec, to: TextCodec, order: number): Buffer | undefined {
  const markup = from.decode(data);
  return isBlank(markup) ? undefined : to.encode(markup, order);
}

function text(data: Buffer): string {
  return data.toString('utf8').replace(/\0+$/, '').replace(/\r\n?/g, '\n');
}

function parseTags(source: string, unescape: (t: string) => string = (t) => t): Markup {
  const builder = new MarkupBuilder();
  for (const piece of source.split(/(<\/?[a-zA-Z][^<>]*>)/)) {
    const tag = /^<(\/?)([a-zA-Z]+)[^<>]*>$/.exec(piece);
    if (!tag) builder.add(unescape(piece));
    else if (isStyle(tag[2]!.toLowerCase())) builder.set(tag[2]!.toLowerCase() as Style, tag[1] === '');
  }
  return builder.build();
}

function isStyle(name: string): name is Style {
  return name === 'b' || name === 'i' || name === 'u';
}

function parseAss(source: string): Markup {
  const builder = new MarkupBuilder();
  for (const piece of source.split(/(\{[^}]*\})/)) {
    if (!/^\{.*\}$/s.test(piece)) {
      builder.add(piece.replace(/\\[Nn]/g, '\n').replace(/\\h/g, '\u00a0'));
      continue;
    }
    for (const [, style, value] of piece.matchAll(/\\([biu])(\d+)(?=[\\}])/g))
      builder.set(style as Style, value !== '0');
    if (/\\r(?=[\\}])/.test(piece)) builder.reset();
  }
  return builder.build();
}

function unescapeHtml(source: string): string {
  const named: Readonly<Record<string, string>> = {
    amp: '&',
    lt: '<',
    gt: '>',
    nbsp: '\u00a0',
    lrm: '\u200e',
    rlm: '\u200f',
  };
  return source.replace(/&(amp|lt|gt|nbsp|lrm|rlm);/g, (_, name: string) => named[name]!);
}

interface StyleRecord {
  readonly start: number;
  readonly end: number;
  readonly face: number;
}

function styleRecords(boxes: Buffer): StyleRecord[] {
  const records: StyleRecord[] = [];
  for (let offset = 0; offset + 8 <= boxes.length;) {
    const size = boxes.readUInt32BE(offset);
    if (size < 8 || offset + size > boxes.length) break;
    if (boxes.toString('latin1', offset + 4, offset + 8) === 'styl' && size >= 10) {
      const count = Math.min(boxes.readUInt16BE(offset + 8), Math.floor((size - 10) / 12));
      for (let i = 0; i < count; i += 1) {
        const at = offset + 10 + i * 12;
        records.push({ start: boxes.readUInt16BE(at), end: boxes.readUInt16BE(at + 2), face: boxes[at + 6]! });
      }
    }
    offset += size;
  }
  return records;
}

function styled(characters: readonly string[], records: readonly StyleRecord[]): Markup {
  const builder = new MarkupBuilder();
  for (const [i, character] of characters.entries()) {
    const face = records.find(({ start, end }) => i >= start && i < end)?.face ?? 0;
    builder.set('b', (face & 1) !== 0);
    builder.set('i', (face & 2) !== 0);
    builder.set('u', (face & 4) !== 0);
    builder.add(character);
  }
  return builder.build();
}
