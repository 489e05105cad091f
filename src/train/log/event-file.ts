import { hostname } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { encodeEvent, type EventMessage, type SummaryValue } from './event-proto.js';
import { GrowingFile } from './growing-file.js';
import { encodeRecord } from './records.js';
import type { TrainLog } from './train-log.js';

/** `DT_STRING` of TensorFlow's types. */
const stringType = 7;
/** Colour space of an RGB picture in `Summary.Image`. */
const rgb = 3;
/** `SessionLog.START`. */
const started = 1;

/**
 * A log that TensorBoard reads: an event file of TFRecords with scalars, PNG pictures and texts. A run that goes on
 * writes a file of its own, whose first event tells TensorBoard to forget what others say of later steps.
 *
 * @param folder TensorBoard's `--logdir`, or a folder in it.
 * @param from the step that the run begins with.
 * @throws DeblurError `OUTPUT_FULL`, `OUTPUT_UNWRITABLE`; so do the log's methods.
 */
export function eventLog(folder: string, from: number): TrainLog {
  // A host's name is the machine's own business: only what a file may be called is taken over.
  const host = hostname().replace(/[^\w.-]/g, '_');
  const seconds = Math.floor(Date.now() / 1000);
  const file = new GrowingFile(path.join(folder, `events.out.tfevents.${seconds}.${host}.${process.pid}.${from}`));
  const write = (event: Omit<EventMessage, 'wallTime'>) => {
    file.append(encodeRecord(encodeEvent({ wallTime: Date.now() / 1000, ...event })));
  };
  const summary = (step: number, value: SummaryValue[]) => {
    write({ step, summary: { value } });
  };
  write({ fileVersion: 'brain.Event:2' });
  if (from > 0) write({ step: from + 1, sessionLog: { status: started } });
  return {
    scalars: (step, values) => {
      summary(
        step,
        Object.entries(values).map(([tag, simpleValue]) => ({ tag, simpleValue })),
      );
    },
    picture: async (step, tag, { data, width, height }) => {
      const png = await sharp(data, { raw: { width, height, channels: 3 } })
        .png()
        .toBuffer();
      summary(step, [{ tag, image: { width, height, colorspace: rgb, encodedImageString: png } }]);
    },
    text: (step, tag, text) => {
      summary(step, [
        {
          tag,
          tensor: { dtype: stringType, tensorShape: { dim: [{ size: 1 }] }, stringVal: [Buffer.from(text)] },
          metadata: { pluginData: { pluginName: 'text' } },
        },
      ]);
    },
    close: () => {
      file.close();
      return Promise.resolve();
    },
  };
}
