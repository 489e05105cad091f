import { zipSync } from 'fflate';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { DeblurError } from '../../../src/errors.js';
import { nafnet } from '../../../src/models/nafnet.js';
import { parametersOf } from '../../../src/models/network.js';
import { readPth } from '../../../src/models/weights/pth.js';
import { checkParameters } from '../../../src/models/weights/tensors.js';
import { archive, bytesOf, op } from '../../support/pth-file.js';

const official = new URL('../../fixtures/parity/nafnet/weights.pth', import.meta.url);
const discriminator = new URL('../../fixtures/parity/blur2blur-d/weights.pth', import.meta.url);

function refusal(bytes: Uint8Array): DeblurError {
  try {
    readPth(bytes, '/some/folder/mine.pth');
  } catch (error) {
    expect(error).toBeInstanceOf(DeblurError);
    return error as DeblurError;
  }
  throw new Error('the checkpoint was read');
}

describe('a PyTorch checkpoint', () => {
  it('gives the tensors of the state_dict inside its wrapping key', async () => {
    const tensors = readPth(await readFile(official), 'weights.pth');
    expect(tensors.size).toBe(100);
    expect(tensors.get('intro.weight')?.shape).toEqual([8, 3, 3, 3]);
    const network = nafnet({ width: 8, encoderBlocks: [1, 1], decoderBlocks: [1, 1] });
    expect(() => checkParameters(tensors, parametersOf(network), 'weights.pth')).not.toThrow();
  });

  it("keeps a network's own list of layers named model, and drops what a training wrapper put before it", async () => {
    const own = readPth(await readFile(discriminator), 'weights.pth');
    expect([...own.keys()].slice(0, 2)).toEqual(['model.0.weight', 'model.0.bias']);
    const bias = op.tensor(op.storage('torch.FloatStorage', '0', 1), 0, [1], [1]);
    const storage = { 0: bytesOf(Float32Array.of(1)) };
    const keys = (name: string) => [...readPth(archive(op.dict({ [name]: bias }), storage), 'mine.pth').keys()];
    expect(keys('module.model.0.bias')).toEqual(['model.0.bias']);
    expect(keys('module.model.cell.bias')).toEqual(['cell.bias']);
  });

  it('may be half, bfloat16, double or integer, and strided', () => {
    const pickle = op.dict({
      half: op.tensor(op.storage('torch.HalfStorage', '0', 3), 0, [3], [1]),
      brain: op.tensor(op.storage('torch.BFloat16Storage', '1', 2), 0, [2], [1]),
      double: op.tensor(op.storage('torch.DoubleStorage', '2', 2), 1, [1], [1]),
      long: op.tensor(op.storage('torch.LongStorage', '3', 1), 0, [], []),
      transposed: op.call(
        'torch._utils._rebuild_parameter',
        op.tensor(op.storage('torch.FloatStorage', '4', 6), 0, [3, 2], [1, 3]),
        '\x88',
        op.call('collections.OrderedDict'),
      ),
    });
    const tensors = readPth(
      archive(op.dict({ epoch: op.int(7), state_dict: pickle }), {
        0: bytesOf(Uint16Array.of(0x3c00, 0xc000, 0x0001)),
        1: bytesOf(Uint16Array.of(0x3f80, 0xc040)),
        2: bytesOf(Float64Array.of(1, 0.1)),
        3: bytesOf(BigInt64Array.of(-5n)),
        4: bytesOf(Float32Array.of(0, 1, 2, 3, 4, 5)),
      }),
      'mine.pth',
    );
    const values = Object.fromEntries([...tensors].map(([name, { data }]) => [name, [...data]]));
    expect(values).toEqual({
      half: [1, -2, 2 ** -24],
      brain: [1, -3],
      double: [Math.fround(0.1)],
      long: [-5],
      transposed: [0, 3, 1, 4, 2, 5],
    });
  });

  it('loses the prefixes that training wrappers put before every key', () => {
    const weight = op.tensor(op.storage('torch.FloatStorage', '0', 1), 0, [1], [1]);
    const pickle = op.dict({ 'module.model.a': weight, 'module.model.b': weight });
    const tensors = readPth(archive(pickle, { 0: bytesOf(Float32Array.of(4)) }), 'mine.pth');
    expect([...tensors.keys()]).toEqual(['a', 'b']);
  });

  it('may be in the format before PyTorch 1.6', () => {
    const magic = '\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.';
    const state = op.dict({ w: op.tensor(op.storage('torch.FloatStorage', '94', 2, 'N'), 0, [2], [1]) });
    const head = [magic, `${op.proto}M\xe9\x03.`, `${op.proto}}.`, `${op.proto}${state}.`, `${op.proto}](${op.text('94')}e.`];
    const samples = Buffer.concat([bytesOf(BigInt64Array.of(2n)), bytesOf(Float32Array.of(1.5, -2))]);
    const file = Buffer.concat([Buffer.from(head.join(''), 'latin1'), samples]);
    expect([...(readPth(file, 'old.pth').get('w')?.data ?? [])]).toEqual([1.5, -2]);
    expect(refusal(file.subarray(0, -1)).message).toMatch(/breaks off/);
  });

  it('is never executed: what it asks for is named', () => {
    const system = refusal(archive(op.call('os.system', op.text('touch /nowhere'))));
    expect(system.code).toBe('CHECKPOINT_INVALID');
    expect(system.message).toBe("mine.pth can't be read as a PyTorch checkpoint: it asks for os.system.");
    expect(refusal(archive(op.call('__builtin__.eval', op.text('1')))).message).toMatch(/asks for __builtin__\.eval/);
    expect(refusal(archive(`${op.text('posix')}${op.text('system')}\x93`)).message).toMatch(/asks for posix\.system/);
    expect(refusal(archive(op.call('torch.FloatStorage', op.int(9)))).message).toMatch(/calls torch\.FloatStorage/);
    expect(refusal(archive(op.global('constructor.prototype'))).message).toMatch(/asks for constructor\.prototype/);
    expect(refusal(archive(`i${'os'}\nsystem\n`)).message).toMatch(/instruction 0x69/);
  });

  it('that breaks off anywhere is refused', async () => {
    const file = await readFile(official);
    for (const fraction of [0, 0.001, 0.1, 0.5, 0.9, 0.999]) {
      expect(refusal(file.subarray(0, Math.floor(file.byteLength * fraction))).code).toBe('CHECKPOINT_INVALID');
    }
    const pickle = op.dict({ w: op.tensor(op.storage('torch.FloatStorage', '0', 4), 0, [4], [1]) });
    for (let length = 1; length < pickle.length; length += 1) refusal(archive(pickle.slice(0, length)));
  });

  it.each([
    ['a storage shorter than it says', [4], [1], 0, 3, /missing or cut short/],
    ['a tensor past the end of its storage', [2], [1], 3, 4, /exceeds its storage/],
    ['a tensor that repeats its storage', [1000, 1000], [0, 0], 0, 4, /exceeds its storage/],
    ['a negative stride', [2], [-1], 1, 4, /no shape/],
  ])('with %s is refused', (_, shape, strides, offset, stored, message) => {
    const pickle = op.dict({ w: op.tensor(op.storage('torch.FloatStorage', '0', 4), offset, shape, strides) });
    expect(refusal(archive(pickle, { 0: new Uint8Array(stored * 4) })).message).toMatch(message);
  });

  it('that unpacks to more than the file is refused before it is unpacked', () => {
    const bomb = zipSync({ 'archive/data.pkl': Buffer.from('.'), 'archive/data/0': new Uint8Array(50_000_000) }, { level: 9 });
    expect(refusal(bomb).message).toMatch(/larger than the file/);
  });

  it('that refers to itself does not run forever', () => {
    expect(refusal(archive(`}q\0${op.text('params')}h\0s`)).message).toMatch(/no state_dict/);
  });

  it('without tensors is refused', () => {
    expect(refusal(archive(op.dict({ epoch: op.int(3) }))).message).toMatch(/no state_dict/);
    expect(refusal(Buffer.from('just text')).message).toMatch(/not a zip archive/);
  });
});
