import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EngineError } from '../../../engine/src/errors.ts';
import { openAdapter } from '../../../engine/src/families/open-adapter.ts';
import { openClipVision } from '../../../engine/src/families/open-clip-vision.ts';
import { openControlNet } from '../../../engine/src/families/open-control.ts';
import { openImagePrompt } from '../../../engine/src/families/open-image-prompt.ts';
import { writeControls } from '../../fixtures/control/write-controls.mjs';

// Tables of contents that are valid, of networks that are not: every one ends in a network or in a named error.

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-damaged-'));
  await writeControls(folder);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const pathOf = (name: string): string => join(folder, `${name}.safetensors`);
const ROUNDS = 50;

const openers: Record<string, (path: string) => Promise<unknown>> = {
  'one-control': (path) => openControlNet(path),
  'xl-control-lora': (path) => openControlNet(path, { base: pathOf('xl') }),
  'two-difference': (path) => openControlNet(path, { base: pathOf('two') }),
  'light-adapter': (path) => openAdapter(path),
  'xl-adapter': (path) => openAdapter(path),
  'one-plain': (path) => openImagePrompt(path, pathOf('vision')),
  'xl-plus': (path) => openImagePrompt(path, pathOf('open-vision')),
  vision: (path) => openClipVision(path, {}),
  'open-vision': (path) => openClipVision(path, {}),
};

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}
type Table = Record<string, Entry>;

it.each(Object.keys(openers))('%s with a table of contents that was tampered with', async (name) => {
  const bytes = readFileSync(pathOf(name));
  const length = Number(bytes.readBigUInt64LE(0));
  const table = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Table & { __metadata__?: unknown };
  delete table.__metadata__;
  const random = generator(20240901);
  let refused = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const changed = structuredClone(table);
    const changes = 1 + Math.floor(random() * 3);
    for (let change = 0; change < changes; change += 1) tamper(changed, random);
    const path = pathOf('damaged');
    writeFileSync(path, withTable(changed, bytes.subarray(8 + length)));
    const failure: unknown = await openers[name]!(path).then(
      () => null,
      (error: unknown) => error,
    );
    if (failure === null) continue;
    expect(failure).toBeInstanceOf(EngineError);
    expect((failure as EngineError).message).not.toContain(folder);
    refused += 1;
  }
  expect(refused).toBeGreaterThan(ROUNDS / 4);
});

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
