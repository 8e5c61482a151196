import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { floatsFile } from './safetensors-bytes.ts';
import { openSafetensors } from './safetensors.ts';
import { Weights } from './weights.ts';

let folder: string;
let weights: Weights;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-weights-'));
  const path = join(folder, 'some.safetensors');
  const one = { shape: [1], values: [1] };
  writeFileSync(
    path,
    floatsFile({
      'net.0.weight': { shape: [2, 3], values: [1, 2, 3, 4, 5, 6] },
      'net.1.bias': one,
      'net.3.bias': one,
      'net.10.bias': one,
      'other.0.bias': one,
      'net.note': one,
    }),
  );
  weights = new Weights(await openSafetensors(path), 'net.');
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

it('sees the tensors below its prefix only', () => {
  expect(weights.has('0.weight')).toBe(true);
  expect(weights.under(0).has('weight')).toBe(true);
  expect(weights.has('0.bias')).toBe(false);
});

it('counts numbered children up to the first gap, and lists them all', () => {
  expect(weights.count).toBe(2);
  expect([...weights.numbers].sort((a, b) => a - b)).toEqual([0, 1, 3, 10]);
  expect(weights.under('none').count).toBe(0);
});

it('finds its way in a file of very many names', async () => {
  const path = join(folder, 'many.safetensors');
  const names = Array.from(
    { length: 20_000 },
    (_, index) => `net.${index % 10_000}.${'x.'.repeat(index % 40)}${index}`,
  );
  writeFileSync(
    path,
    floatsFile(Object.fromEntries(names.map((name) => [name, { shape: [0], values: [] }]))),
  );
  const many = new Weights(await openSafetensors(path), 'net.');
  const before = process.cpuUsage();
  let found = 0;
  for (let index = 0; index < many.count; index += 1) if (!many.under(index).isEmpty) found += 1;
  expect(found).toBe(10_000);
  expect(process.cpuUsage(before).user / 1e6).toBeLessThan(10); // a second or so; minutes if each question read all names
});

it('knows whether it is empty', () => {
  expect(weights.under(3).isEmpty).toBe(false);
  expect(weights.under(2).isEmpty).toBe(true);
});

it('counts values', () => {
  expect(weights.parameters).toBe(10);
});

it('names a missing tensor in full', () => {
  expect(() => weights.under(0).tensor('bias')).toThrow('"some.safetensors" lacks the tensor "net.0.bias".');
});

it('compares shapes, where any size may be left open', () => {
  expect(weights.tensor('0.weight', [null, 3]).shape).toEqual([2, 3]);
  expect(() => weights.tensor('0.weight', [null, 4])).toThrow(
    /"net.0.weight" of shape \[2, 3\]; expected \[any, 4\]/,
  );
  expect(() => weights.tensor('0.weight', [2])).toThrow(/expected \[2\]/);
});
