import { quote } from './format-error.ts';
import { ELEMENT_BITS, type ElementType } from './weight-source.ts';

/** Real checkpoints have under 200 kB of header; the limit is that of the format's reference reader. */
export const MAX_HEADER_BYTES = 100_000_000;
/** The largest known checkpoints have some 20,000 tensors. */
export const MAX_TENSORS = 200_000;
/** Convolutions over video have rank 5. */
export const MAX_RANK = 8;
/** More than this is no description. */
const MAX_METADATA_ENTRIES = 10_000;
/** Of values under keys that the format does not know. */
const MAX_DEPTH = 64;

/** What a header says of a tensor. Offsets count from the end of the header. */
export interface HeaderEntry {
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}
export interface Header {
  readonly tensors: Map<string, HeaderEntry>;
  readonly metadata: Map<string, string>;
}

/** What is wrong with a header, in words that go after "The header ...". */
export class HeaderError extends Error {
  override readonly name = 'HeaderError';
}

/**
 * Reads the JSON of a safetensors header in one pass, each character once and without recursion. `JSON.parse` would keep
 * the last of two equal names and say nothing; here a name, as decoded, may appear once.
 * @throws HeaderError
 */
export function parseHeader(text: string): Header {
  const tensors = new Map<string, HeaderEntry>();
  let metadata: Map<string, string> | null = null;
  if (!text.startsWith('{')) throw new HeaderError('does not start with "{"');
  const json = new Scanner(text);
  json.members((name) => {
    if (name === '__metadata__') {
      if (metadata !== null) throw new HeaderError('has "__metadata__" twice');
      metadata = readMetadata(json);
      return;
    }
    if (tensors.has(name)) throw new HeaderError(`names the tensor ${quote(name)} twice`);
    if (tensors.size === MAX_TENSORS) throw new HeaderError(`names more than ${MAX_TENSORS} tensors`);
    tensors.set(name, readEntry(json, name));
  });
  json.end();
  return { tensors, metadata: metadata ?? new Map<string, string>() };
}

function readMetadata(json: Scanner): Map<string, string> {
  const metadata = new Map<string, string>();
  json.members((key) => {
    if (metadata.has(key)) throw new HeaderError(`has the metadata key ${quote(key)} twice`);
    if (metadata.size === MAX_METADATA_ENTRIES) {
      throw new HeaderError(`has more than ${MAX_METADATA_ENTRIES} metadata entries`);
    }
    if (json.peek() !== '"') throw new HeaderError(`has metadata ${quote(key)} that is not text`);
    metadata.set(key, json.string());
  });
  return metadata;
}

function readEntry(json: Scanner, name: string): HeaderEntry {
  let dtype: ElementType | null = null;
  let shape: number[] | null = null;
  let offsets: number[] | null = null;
  const once = (key: string, before: unknown): void => {
    if (before !== null) throw new HeaderError(`gives "${key}" of ${quote(name)} twice`);
  };
  json.members((key) => {
    if (key === 'dtype') {
      once(key, dtype);
      const value = json.string();
      if (!Object.hasOwn(ELEMENT_BITS, value)) {
        throw new HeaderError(`gives ${quote(name)} the unknown element type ${quote(value)}`);
      }
      dtype = value as ElementType;
    } else if (key === 'shape') {
      once(key, shape);
      shape = json.integers(MAX_RANK, `the shape of ${quote(name)}`);
    } else if (key === 'data_offsets') {
      once(key, offsets);
      offsets = json.integers(2, `the offsets of ${quote(name)}`);
    } else {
      json.skip(MAX_DEPTH);
    }
  });
  if (dtype === null || shape === null || offsets === null) {
    const missing = dtype === null ? 'dtype' : shape === null ? 'shape' : 'data_offsets';
    throw new HeaderError(`gives no "${missing}" for ${quote(name)}`);
  }
  const [begin, end] = offsets as number[];
  if (begin === undefined || end === undefined) {
    throw new HeaderError(`gives ${quote(name)} other than two offsets`);
  }
  return { dtype, shape, begin, end };
}

/** A strict reader of JSON text that hands out values as they come. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The next character that is not white space; '' at the end. */
  peek(): string {
    while (' \t\n\r'.includes(this.#text.charAt(this.#at)) && this.#at < this.#text.length) this.#at += 1;
    return this.#text.charAt(this.#at);
  }

  /** Reads an object; `member` must read the value that follows its name. */
  members(member: (name: string) => void): void {
    this.#take('{');
    if (this.#taken('}')) return;
    do {
      const name = this.string();
      this.#take(':');
      member(name);
    } while (this.#taken(','));
    this.#take('}');
  }

  integers(most: number, what: string): number[] {
    const values: number[] = [];
    this.#take('[');
    if (this.#taken(']')) return values;
    do {
      if (values.length === most) throw new HeaderError(`has more than ${most} numbers in ${what}`);
      values.push(this.#integer(what));
    } while (this.#taken(','));
    this.#take(']');
    return values;
  }

  string(): string {
    this.#take('"');
    const start = this.#at;
    let isPlain = true;
    for (; ; this.#at += 1) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) break;
      if (Number.isNaN(code)) throw new HeaderError('ends within a text');
      if (code < 0x20) throw new HeaderError(`has a control character in a text (at character ${this.#at})`);
      if (code === 0x5c) {
        isPlain = false;
        this.#at += 1; // whatever is escaped, also a quote
      }
    }
    const literal = this.#text.slice(start, this.#at);
    this.#at += 1;
    if (isPlain) return literal;
    try {
      return JSON.parse(`"${literal}"`) as string;
    } catch (cause) {
      throw new HeaderError(`has a wrong escape in a text (at character ${start})`, { cause });
    }
  }

  /** Skips any value, at most `depth` levels deep. */
  skip(depth: number): void {
    const open: string[] = [];
    do {
      const next = this.peek();
      if (next === '{' || next === '[') {
        if (open.length === depth) throw new HeaderError(`is nested more than ${depth} levels deep`);
        this.#at += 1;
        open.push(next);
        if (this.#taken(next === '{' ? '}' : ']')) open.pop();
        else {
          if (next === '{') this.#name();
          continue;
        }
      } else this.#scalar();
      while (open.length > 0) {
        const container = open.at(-1);
        if (this.#taken(',')) {
          if (container === '{') this.#name();
          break;
        }
        this.#take(container === '{' ? '}' : ']');
        open.pop();
      }
    } while (open.length > 0);
  }

  /** Nothing but white space may be left. */
  end(): void {
    if (this.peek() !== '') throw new HeaderError(`goes on after its end (at character ${this.#at})`);
  }

  #name(): void {
    this.string();
    this.#take(':');
  }

  #scalar(): void {
    if (this.peek() === '"') {
      this.string();
      return;
    }
    const literal =
      /(?:true|false|null|-?(?:0|[1-9]\d{0,400})(?:\.\d{1,400})?(?:[eE][+-]?\d{1,400})?)(?![\w.+-])/y;
    literal.lastIndex = this.#at;
    if (!literal.test(this.#text)) throw this.#unexpected('a value');
    this.#at = literal.lastIndex;
  }

  #integer(what: string): number {
    this.peek();
    const digits = /(?:0|[1-9]\d{0,15})(?![\w.+-])/y;
    digits.lastIndex = this.#at;
    const value = Number(digits.exec(this.#text)?.[0] ?? Number.NaN);
    if (!Number.isSafeInteger(value)) {
      throw new HeaderError(`has a number in ${what} that is not a whole number from 0 to 2^53 - 1`);
    }
    this.#at = digits.lastIndex;
    return value;
  }

  #take(character: string): void {
    if (!this.#taken(character)) throw this.#unexpected(`"${character}"`);
  }

  #taken(character: string): boolean {
    if (this.peek() !== character) return false;
    this.#at += 1;
    return true;
  }

  #unexpected(expected: string): HeaderError {
    const found = this.peek();
    const came = found === '' ? 'the end' : JSON.stringify(found);
    return new HeaderError(
      `is not the expected JSON: ${expected} was expected at character ${this.#at}, ${came} came`,
    );
  }
}
