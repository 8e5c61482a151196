import { utf8, type ByteReader } from '../byte-reader.ts';
import { FormatError, quote } from '../format-error.ts';
import { resolveGlobal, storageTypeOf } from './globals.ts';
import * as op from './opcodes.ts';
import {
  Inert,
  PickleDict,
  PickleGlobal,
  PickleList,
  PickleTuple,
  Storage,
  type PickleValue,
} from './values.ts';

/** Real checkpoints take some 40,000 operations. */
const MAX_OPERATIONS = 5_000_000;
/** Estimated memory for all values. */
const MAX_MEMORY_BYTES = 512 * 1024 * 1024;
/** Names of modules and classes, and numbers written as text. */
const MAX_LINE = 1000;
/** Real ones have 10 bytes: the number that legacy files begin with. */
const MAX_INTEGER_BYTES = 256;

/** Rough sizes in memory, measured: a `Map`, or a list with one value. */
const COST = { slot: 16, memo: 64, object: 128, collection: 256, entry: 64 };

/** What one file may use, and the storages that it refers to, over all pickles in it. */
export class PickleContext {
  #operations = MAX_OPERATIONS;
  #bytes = MAX_MEMORY_BYTES;
  readonly #storages = new Map<string, Storage>();

  /** By key; each is one block of values, whatever parts of it are used. */
  get storages(): ReadonlyMap<string, Storage> {
    return this.#storages;
  }

  operation(): void {
    if (--this.#operations < 0) {
      throw new FormatError(`its pickle has more than ${MAX_OPERATIONS} operations`);
    }
  }

  memory(bytes: number): void {
    this.#bytes -= bytes;
    if (this.#bytes < 0)
      throw new FormatError(`its pickle takes more than ${MAX_MEMORY_BYTES} bytes of memory`);
  }

  storage(storage: Storage): Storage {
    const known = this.#storages.get(storage.key);
    if (known === undefined) this.#storages.set(storage.key, storage);
    else if (known.type !== storage.type || known.length !== storage.length) {
      throw new FormatError(`its pickle describes the storage ${quote(storage.key)} in two ways`);
    }
    return storage;
  }
}

/**
 * Reads one pickle as data. It never imports, calls or makes anything but the values of values.ts: names are looked up
 * in an allow-list, whichever operation they come by. Without recursion, so depth costs no stack.
 * Format: https://docs.python.org/3/library/pickletools.html, protocols 2 to 5 as torch writes them.
 * @throws FormatError where the pickle is broken, beyond a limit, or would run code.
 */
export function readPickle(reader: ByteReader, context: PickleContext): PickleValue {
  return new Machine(reader, context).run();
}

class Machine {
  readonly #reader: ByteReader;
  readonly #context: PickleContext;
  readonly #memo = new Map<number, PickleValue>();
  /** Values; those above the last mark belong to the collection that is being read. */
  readonly #stack: PickleValue[] = [];
  readonly #marks: number[] = [];

  constructor(reader: ByteReader, context: PickleContext) {
    this.#reader = reader;
    this.#context = context;
  }

  run(): PickleValue {
    for (;;) {
      this.#context.operation();
      const code = this.#reader.u8();
      if (code === op.STOP) return this.#pop();
      if (!this.#scalar(code) && !this.#collection(code) && !this.#memory(code)) this.#object(code);
    }
  }

  #scalar(code: number): boolean {
    const reader = this.#reader;
    switch (code) {
      case op.PROTO:
        this.#protocol(reader.u8());
        return true;
      case op.FRAME:
        reader.size();
        return true;
      case op.NONE:
        return this.#push(null);
      case op.NEWTRUE:
        return this.#push(true);
      case op.NEWFALSE:
        return this.#push(false);
      case op.BININT:
        return this.#push(reader.i32());
      case op.BININT1:
        return this.#push(reader.u8());
      case op.BININT2:
        return this.#push(reader.u16());
      case op.LONG1:
        return this.#push(integer(this.#counted(reader.u8(), MAX_INTEGER_BYTES)));
      case op.LONG4:
        return this.#push(integer(this.#counted(reader.u32(), MAX_INTEGER_BYTES)));
      case op.INT:
      case op.LONG:
        return this.#push(decimal(latin1(reader.line(MAX_LINE))));
      case op.BINFLOAT:
        return this.#push(reader.f64(false));
      case op.SHORT_BINUNICODE:
        return this.#push(this.#text(reader.u8()));
      case op.BINUNICODE:
        return this.#push(this.#text(reader.u32()));
      case op.BINUNICODE8:
        return this.#push(this.#text(reader.size()));
      case op.SHORT_BINSTRING:
        return this.#push(latin1(this.#counted(reader.u8())));
      case op.BINSTRING:
        return this.#push(latin1(this.#counted(reader.u32())));
      case op.SHORT_BINBYTES:
        return this.#push(this.#counted(reader.u8()));
      case op.BINBYTES:
        return this.#push(this.#counted(reader.u32()));
      case op.BINBYTES8:
      case op.BYTEARRAY8:
        return this.#push(this.#counted(reader.size()));
      default:
        return false;
    }
  }

  #collection(code: number): boolean {
    switch (code) {
      case op.MARK:
        this.#marks.push(this.#stack.length);
        return true;
      case op.EMPTY_TUPLE:
        return this.#push(new PickleTuple([]), COST.object);
      case op.TUPLE1:
      case op.TUPLE2:
      case op.TUPLE3:
        return this.#tuple(this.#take(code - op.TUPLE1 + 1));
      case op.TUPLE:
        return this.#tuple(this.#toMark());
      case op.EMPTY_LIST:
      case op.EMPTY_SET:
        return this.#push(new PickleList(), COST.collection);
      case op.LIST:
      case op.FROZENSET: {
        const items = this.#toMark();
        this.#push(new PickleList(), COST.collection);
        return this.#append(items);
      }
      case op.APPEND:
        return this.#append(this.#take(1));
      case op.APPENDS:
      case op.ADDITEMS:
        return this.#append(this.#toMark());
      case op.EMPTY_DICT:
        return this.#push(new PickleDict(), COST.collection);
      case op.DICT: {
        const items = this.#toMark();
        this.#push(new PickleDict(), COST.collection);
        return this.#setItems(items);
      }
      case op.SETITEM:
        return this.#setItems(this.#take(2));
      case op.SETITEMS:
        return this.#setItems(this.#toMark());
      default:
        return false;
    }
  }

  #memory(code: number): boolean {
    const reader = this.#reader;
    switch (code) {
      case op.POP:
        // As in Python: of nothing but a mark, the mark goes.
        if (this.#stack.length === this.#floor && this.#marks.length > 0) this.#marks.pop();
        else this.#pop();
        return true;
      case op.POP_MARK:
        this.#toMark();
        return true;
      case op.DUP:
        return this.#push(this.#top());
      case op.PUT:
        return this.#remember(decimal(latin1(reader.line(MAX_LINE))));
      case op.BINPUT:
        return this.#remember(reader.u8());
      case op.LONG_BINPUT:
        return this.#remember(reader.u32());
      case op.MEMOIZE:
        return this.#remember(this.#memo.size);
      case op.GET:
        return this.#recall(decimal(latin1(reader.line(MAX_LINE))));
      case op.BINGET:
        return this.#recall(reader.u8());
      case op.LONG_BINGET:
        return this.#recall(reader.u32());
      default:
        return false;
    }
  }

  /** What could run code in Python: names, calls, and the state of objects. */
  #object(code: number): void {
    const reader = this.#reader;
    switch (code) {
      case op.GLOBAL:
        this.#push(resolveGlobal(this.#line('a module'), this.#line('a name')), COST.object);
        return;
      case op.STACK_GLOBAL: {
        const [module, name] = this.#take(2);
        if (typeof module !== 'string' || typeof name !== 'string') {
          throw new FormatError('its pickle refers to something by a name that is no text');
        }
        this.#push(resolveGlobal(module, name), COST.object);
        return;
      }
      case op.INST: {
        const made = resolveGlobal(this.#line('a module'), this.#line('a name'));
        this.#call(made, this.#toMark());
        return;
      }
      case op.OBJ: {
        const [made, ...args] = this.#toMark();
        this.#call(made, args);
        return;
      }
      case op.REDUCE:
      case op.NEWOBJ: {
        const [made, args] = this.#take(2);
        this.#call(made, argumentsOf(args));
        return;
      }
      case op.NEWOBJ_EX: {
        const [made, args] = this.#take(3);
        this.#call(made, argumentsOf(args));
        return;
      }
      case op.BUILD: {
        const [state = null] = this.#take(1);
        const object = this.#top();
        if (object instanceof Inert) object.state = state;
        return; // attributes of other objects are of no use
      }
      case op.BINPERSID:
        this.#push(this.#context.storage(persistent(this.#pop())), COST.collection);
        return;
      default:
        throw new FormatError(
          `its pickle has the operation 0x${code.toString(16).padStart(2, '0')} at byte ${reader.position - 1}, which is not supported`,
        );
    }
  }

  #protocol(version: number): void {
    if (version > 5) throw new FormatError(`its pickle has protocol ${version}; at most 5 is known`);
  }

  #call(made: PickleValue | undefined, args: readonly PickleValue[]): void {
    if (!(made instanceof PickleGlobal)) throw new FormatError('its pickle calls what is no function');
    // What a call reads costs too: one long list can be given to many calls.
    for (const arg of args) this.#context.memory(COST.entry * sizeOf(arg));
    this.#push(made.call(args), COST.collection);
  }

  /** The lowest place of the stack that may be taken: the last mark. */
  get #floor(): number {
    return this.#marks.at(-1) ?? 0;
  }

  #push(value: PickleValue, bytes = 0): true {
    this.#context.memory(COST.slot + bytes);
    this.#stack.push(value);
    return true;
  }

  #top(): PickleValue {
    const value = this.#stack.length > this.#floor ? this.#stack.at(-1) : undefined;
    if (value === undefined) throw new FormatError('its pickle takes a value that is not there');
    return value;
  }

  #pop(): PickleValue {
    const value = this.#top();
    this.#stack.pop();
    return value;
  }

  #take(count: number): PickleValue[] {
    if (this.#stack.length - count < this.#floor) {
      throw new FormatError('its pickle takes a value that is not there');
    }
    const items = this.#stack.slice(-count); // quicker than `splice`
    this.#stack.length -= count;
    return items;
  }

  #toMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw new FormatError('its pickle ends a collection that did not begin');
    return this.#stack.splice(mark);
  }

  #tuple(items: readonly PickleValue[]): true {
    return this.#push(new PickleTuple(items), COST.object);
  }

  #append(items: readonly PickleValue[]): true {
    const list = this.#top();
    if (list instanceof PickleList) {
      this.#context.memory(COST.slot * items.length);
      for (const item of items) list.items.push(item);
    } else if (!(list instanceof Inert)) throw new FormatError('its pickle appends to what is no list');
    return true;
  }

  #setItems(items: readonly PickleValue[]): true {
    const dict = this.#top();
    if (items.length % 2 !== 0) throw new FormatError('its pickle has a dict with a key but no value');
    if (dict instanceof PickleDict) {
      this.#context.memory(COST.entry * (items.length / 2));
      for (let at = 0; at < items.length; at += 2) {
        dict.entries.set(items[at] as PickleValue, items[at + 1] as PickleValue);
      }
    } else if (!(dict instanceof Inert)) throw new FormatError('its pickle sets an item of what is no dict');
    return true;
  }

  #remember(index: PickleValue): true {
    if (typeof index !== 'number' || index < 0) throw new FormatError('its pickle has a wrong memo number');
    this.#context.memory(COST.memo);
    this.#memo.set(index, this.#top());
    return true;
  }

  #recall(index: PickleValue): true {
    const value = typeof index === 'number' ? this.#memo.get(index) : undefined;
    if (value === undefined) throw new FormatError('its pickle recalls a value that it did not store');
    return this.#push(value);
  }

  #text(length: number): string {
    return utf8(this.#counted(length), 'a text in its pickle');
  }

  #line(what: string): string {
    return utf8(this.#reader.line(MAX_LINE), `${what} in its pickle`);
  }

  #counted(length: number, most = MAX_MEMORY_BYTES): Uint8Array {
    if (length > most) throw new FormatError(`its pickle has a value of ${length} bytes`);
    this.#context.memory(COST.object + length);
    return this.#reader.bytes(length).slice();
  }
}

/** `('storage', type, key, location, length)`, in legacy files with a sixth: `(view key, begin, length)` or None. */
function persistent(id: PickleValue): Storage {
  const [kind, type, key, , length, view] = id instanceof PickleTuple ? id.items : [];
  if (kind !== 'storage') throw new FormatError('its pickle refers to something outside that is no storage');
  if (typeof key !== 'string' || key.length > MAX_LINE || !isCount(length)) {
    throw new FormatError('its pickle refers to a storage without a name or a length');
  }
  const [, begin, size] = view instanceof PickleTuple ? view.items : [null, 0, length];
  if (!isCount(begin) || !isCount(size) || begin + size > length) {
    throw new FormatError(`its pickle has a view beyond the storage ${quote(key)}`);
  }
  return new Storage(storageTypeOf(type), key, { length, begin, size });
}

function isCount(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** How much a call may have to read of an argument. */
function sizeOf(value: PickleValue): number {
  if (value instanceof PickleList || value instanceof PickleTuple) return 1 + value.items.length;
  return typeof value === 'string' ? 1 + value.length / COST.entry : 1;
}

function argumentsOf(args: PickleValue | undefined): readonly PickleValue[] {
  if (!(args instanceof PickleTuple)) throw new FormatError('its pickle calls something without arguments');
  return args.items;
}

/** Two's complement, little-endian, any length; an exact number where it can be one. */
function integer(bytes: Uint8Array): number | bigint {
  if (bytes.length === 0) return 0;
  const hex = Buffer.from(bytes).reverse().toString('hex');
  return narrowed(BigInt.asIntN(8 * bytes.length, BigInt(`0x${hex}`)));
}

/** `12`, `12L`; the old spellings of False and True, `00` and `01`, become numbers. */
function decimal(text: string): number | bigint {
  if (!/^-?\d{1,300}L?$/.test(text)) throw new FormatError(`its pickle has the number ${quote(text)}`);
  return narrowed(BigInt(text.replace('L', '')));
}

function narrowed(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
