import { writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { expect } from 'vitest';
import { EngineError } from '../../engine/src/errors.ts';

/** Tampered files of each kind. */
export const ROUNDS = 50;

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}
type Table = Record<string, Entry>;

/**
 * Opens files whose tables of contents are valid, of networks that are not: every one has to end in a network or in a named
 * error. The same files every time.
 * @param bytes a whole safetensors file
 * @param path where the tampered ones are written
 * @returns how many were refused
 */
export async function countRefused(
  bytes: Buffer,
  path: string,
  open: () => Promise<unknown>,
): Promise<number> {
  const length = Number(bytes.readBigUInt64LE(0));
  const table = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Table & { __metadata__?: unknown };
  delete table.__metadata__;
  const random = generator(20240901);
  let refused = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const changed = structuredClone(table);
    const changes = 1 + Math.floor(random() * 3);
    for (let change = 0; change < changes; change += 1) tamper(changed, random);
    writeFileSync(path, withTable(changed, bytes.subarray(8 + length)));
    const failure: unknown = await open().then(
      () => null,
      (error: unknown) => error,
    );
    if (failure === null) continue;
    expect(failure, `round ${round} of ${basename(path)}`).toBeInstanceOf(EngineError);
    expect((failure as EngineError).message).not.toContain(dirname(path));
    refused += 1;
  }
  return refused;
}

function tamper(table: Table, random: () => number): void {
  const names = Object.keys(table);
  const name = names[Math.floor(random() * names.length)] ?? '';
  const entry = table[name];
  if (entry === undefined) return;
  switch (Math.floor(random() * 5)) {
    case 0:
      Reflect.deleteProperty(table, name);
      break;
    case 1:
      entry.shape.reverse();
      break;
    case 2:
      entry.shape = random() < 0.5 ? [...entry.shape, 1] : [1, ...entry.shape];
      break;
    case 3: // nothing at all
      entry.shape = entry.shape.map(() => 0);
      entry.data_offsets = [entry.data_offsets[0], entry.data_offsets[0]];
      break;
    default: // a name that some other layer has, with a number of its own
      table[name.replace(/\d+/, (number) => String(Number(number) + 1 + Math.floor(random() * 40)))] = entry;
      Reflect.deleteProperty(table, name);
  }
}

/** The tensors may then leave gaps, so they are laid out anew. */
function withTable(table: Table, data: Buffer): Buffer {
  const parts: Buffer[] = [];
  let offset = 0;
  const header: Table = {};
  for (const [name, entry] of Object.entries(table)) {
    const [start, end] = entry.data_offsets;
    parts.push(data.subarray(start, end));
    header[name] = { ...entry, data_offsets: [offset, offset + end - start] };
    offset += end - start;
  }
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([prefix, text, ...parts]);
}

/** Numbers in 0…1 from a linear congruence; the same every time. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
