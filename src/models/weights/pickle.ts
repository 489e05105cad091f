/** What a pickle may hold once it is read: plain values, dictionaries as maps, and what the caller's resolver made. */
export type Pickled =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Pickled[]
  | Map<Pickled, Pickled>
  | object;

/** What a restricted pickle may refer to. */
export interface PickleResolver {
  /**
   * The callable that a pickle names, or `undefined` to refuse it.
   *
   * @param name module and name joined by a dot, for instance `collections.OrderedDict`.
   */
  global(name: string): Callable | undefined;
  /** The object that a persistent id stands for. */
  persistent(id: Pickled): Pickled;
  /** Gives an object that {@link global}'s callables made its state. Default: refused. */
  build?(target: object, state: Pickled): void;
}

/** A function that a pickle may call. */
export type Callable = (...args: readonly Pickled[]) => Pickled;

/** A pickle asks for something that its reader doesn't give, or is damaged. */
export class PickleError extends Error {}

const text = new TextDecoder('utf-8', { fatal: true });
const mark = Symbol('mark');

/**
 * Reads one pickle (protocols 0 to 4, as far as `torch.save` uses them) without ever importing or calling anything
 * but what `resolver` gives.
 *
 * @returns the value, and the position after it: files may hold several pickles one after the other.
 * @throws PickleError that names what the pickle asked for, or says where it breaks off.
 */
export function unpickle(
  bytes: Uint8Array,
  resolver: PickleResolver,
  start = 0,
): { readonly value: Pickled; readonly end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const memo = new Map<number, Pickled>();
  const stack: (Pickled | typeof mark)[] = [];
  let at = start;

  const take = (count: number): number => {
    if (count < 0 || at + count > bytes.byteLength) throw new PickleError('it breaks off in the middle');
    at += count;
    return at - count;
  };
  const slice = (count: number): Uint8Array => {
    const from = take(count);
    return bytes.subarray(from, from + count);
  };
  const string = (count: number): string => {
    try {
      return text.decode(slice(count));
    } catch (error) {
      throw error instanceof PickleError ? error : new PickleError('it holds text that is not UTF-8');
    }
  };
  const line = (): string => {
    const end = bytes.indexOf(10, at);
    if (end < 0) throw new PickleError('it breaks off in the middle');
    return string(end + 1 - at).slice(0, -1);
  };
  const pop = (): Pickled => {
    const value = stack.pop();
    if (value === undefined || value === mark) throw new PickleError('it takes from an empty stack');
    return value;
  };
  const popMark = (): Pickled[] => {
    const from = stack.lastIndexOf(mark);
    if (from < 0) throw new PickleError('it takes from an empty stack');
    const values = stack.splice(from).slice(1);
    return values as Pickled[];
  };
  const top = (): Pickled => {
    const value = pop();
    stack.push(value);
    return value;
  };
  const setItems = (items: readonly Pickled[]): void => {
    const target = top();
    if (!(target instanceof Map)) throw new PickleError('it sets an item of something that is no dictionary');
    for (let i = 0; i + 1 < items.length; i += 2) target.set(items[i] ?? null, items[i + 1] ?? null);
  };
  const append = (items: readonly Pickled[]): void => {
    const target = top();
    if (!Array.isArray(target)) throw new PickleError('it appends to something that is no list');
    for (const item of items) target.push(item);
  };
  const global = (name: string): Callable => {
    const callable = resolver.global(name);
    if (!callable) throw new PickleError(`it asks for ${name}`);
    return callable;
  };
  const recall = (key: number): Pickled => {
    const value = memo.get(key);
    if (value === undefined) throw new PickleError('it recalls what it never stored');
    return value;
  };

  for (;;) {
    const position = take(1);
    const opcode = view.getUint8(position);
    switch (String.fromCharCode(opcode)) {
      case '\x80': // PROTO
        take(1);
        break;
      case '\x95': // FRAME
        take(8);
        break;
      case '.': // STOP
        return { value: pop(), end: at };
      case '(': // MARK
        stack.push(mark);
        break;
      case '0': // POP
        pop();
        break;
      case 'N':
        stack.push(null);
        break;
      case '\x88':
        stack.push(true);
        break;
      case '\x89':
        stack.push(false);
        break;
      case 'K': // BININT1
        stack.push(view.getUint8(take(1)));
        break;
      case 'M': // BININT2
        stack.push(view.getUint16(take(2), true));
        break;
      case 'J': // BININT
        stack.push(view.getInt32(take(4), true));
        break;
      case '\x8a': // LONG1
        stack.push(integer(slice(view.getUint8(take(1)))));
        break;
      case 'G': // BINFLOAT
        stack.push(view.getFloat64(take(8), false));
        break;
      case 'X': // BINUNICODE
        stack.push(string(view.getUint32(take(4), true)));
        break;
      case '\x8c': // SHORT_BINUNICODE
        stack.push(string(view.getUint8(take(1))));
        break;
      case 'U': // SHORT_BINSTRING
        stack.push(string(view.getUint8(take(1))));
        break;
      case 'C': // SHORT_BINBYTES
        stack.push(slice(view.getUint8(take(1))));
        break;
      case 'B': // BINBYTES
        stack.push(slice(view.getUint32(take(4), true)));
        break;
      case '}': // EMPTY_DICT
        stack.push(new Map<Pickled, Pickled>());
        break;
      case ']': // EMPTY_LIST
        stack.push([]);
        break;
      case ')': // EMPTY_TUPLE
        stack.push([]);
        break;
      case 't': // TUPLE
        stack.push(popMark());
        break;
      case '\x85':
      case '\x86':
      case '\x87': {
        // TUPLE1, TUPLE2, TUPLE3
        const items = Array.from({ length: opcode - 0x84 }, pop);
        stack.push(items.reverse());
        break;
      }
      case 's': {
        // SETITEM
        const value = pop();
        setItems([pop(), value]);
        break;
      }
      case 'u': // SETITEMS
        setItems(popMark());
        break;
      case 'a': // APPEND
        append([pop()]);
        break;
      case 'e': // APPENDS
        append(popMark());
        break;
      case 'q': // BINPUT
        memo.set(view.getUint8(take(1)), top());
        break;
      case 'r': // LONG_BINPUT
        memo.set(view.getUint32(take(4), true), top());
        break;
      case '\x94': // MEMOIZE
        memo.set(memo.size, top());
        break;
      case 'h': // BINGET
        stack.push(recall(view.getUint8(take(1))));
        break;
      case 'j': // LONG_BINGET
        stack.push(recall(view.getUint32(take(4), true)));
        break;
      case 'c': {
        // GLOBAL
        const module = line();
        stack.push(global(`${module}.${line()}`));
        break;
      }
      case '\x93': {
        // STACK_GLOBAL
        const [name, module] = [pop(), pop()];
        if (typeof name !== 'string' || typeof module !== 'string') throw new PickleError('it names no global');
        stack.push(global(`${module}.${name}`));
        break;
      }
      case 'Q': // BINPERSID
        stack.push(resolver.persistent(pop()));
        break;
      case 'R': {
        // REDUCE
        const args = pop();
        const callable = pop();
        if (typeof callable !== 'function' || !Array.isArray(args)) {
          throw new PickleError('it calls something that is no function');
        }
        stack.push((callable as Callable)(...(args as Pickled[])));
        break;
      }
      case 'b': {
        // BUILD: attributes of a dictionary, such as a state_dict's _metadata, are not data
        const state = pop();
        const target = top();
        if (target instanceof Map) break;
        if (!resolver.build || typeof target !== 'object' || target === null) {
          throw new PickleError('it sets attributes of an object');
        }
        resolver.build(target, state);
        break;
      }
      default:
        throw new PickleError(`it uses the instruction 0x${opcode.toString(16)}, which tensors don't need`);
    }
  }
}

/** A little-endian two's complement integer; a number where that is exact. */
function integer(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (const byte of [...bytes].reverse()) value = (value << 8n) | BigInt(byte);
  const last = bytes[bytes.length - 1] ?? 0;
  if (last & 0x80) value -= 1n << BigInt(8 * bytes.length);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
