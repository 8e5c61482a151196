import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EngineError } from '../errors.ts';
import { GraphBuilder, type PatchedTensor } from '../onnx/graph.ts';
import { liveInputs, Session } from '../onnx/session.ts';
import { floatsFile } from '../weights/safetensors-bytes.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { readLora, type Lora } from './lora.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-lora-fuzz-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Parts that belong together, for small sizes; what the cases below are made from by damage. */
const FAMILIES: readonly Record<string, readonly number[]>[] = [
  { 'lora_up.weight': [4, 2], 'lora_down.weight': [2, 6], alpha: [] },
  { 'lora_up.weight': [4, 2, 1, 1], 'lora_mid.weight': [2, 2, 3, 3], 'lora_down.weight': [2, 2, 1, 1] },
  { hada_w1_a: [4, 2], hada_w1_b: [2, 6], hada_w2_a: [4, 2], hada_w2_b: [2, 6], alpha: [] },
  {
    ...{ hada_w1_a: [2, 4], hada_w1_b: [2, 2], hada_t1: [2, 2, 3, 3] },
    ...{ hada_w2_a: [2, 4], hada_w2_b: [2, 2], hada_t2: [2, 2, 3, 3] },
  },
  { lokr_w1_a: [2, 2], lokr_w1_b: [2, 2], lokr_w2: [2, 3] },
  { lokr_w1: [2, 2], lokr_w2_a: [2, 2], lokr_w2_b: [2, 1], lokr_t2: [2, 2, 3, 3] },
  { weight: [4], on_input: [] },
  { diff: [4, 6], diff_b: [4] },
  { 'lora_up.weight': [4, 2], 'lora_down.weight': [2, 6], dora_scale: [1, 6] },
  { 'a1.weight': [6, 2], 'a2.weight': [2, 6], 'b1.weight': [4, 2], 'b2.weight': [2, 6] },
  { oft_blocks: [2, 2, 2], alpha: [], rescale: [4, 1] },
  { oft_blocks: [2, 2, 2, 2] },
];
const ODD_NUMBERS = [0, 1, -1, 1e-30, 1e30, NaN, Infinity];

/** Mulberry32: the same numbers each time. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) % below;
  };
}

/** One of the families with parts lost, added, of other shapes, and with odd numbers in them. */
async function damaged(random: (below: number) => number): Promise<Lora> {
  const shapes = new Map(Object.entries(FAMILIES[random(FAMILIES.length)]!));
  for (let damage = random(3); damage > 0; damage -= 1) {
    const names = [...shapes.keys()];
    const name = names[random(names.length)];
    if (name === undefined) break;
    const shape = [...shapes.get(name)!];
    const kind = random(5);
    if (kind === 0) shapes.delete(name);
    else if (kind === 1) shapes.set(name, shape.reverse());
    else if (kind === 2) shapes.set(name, [...shape, 1 + random(2)]);
    else if (kind === 3 && shape.length > 0) shapes.set(name, shape.with(random(shape.length), random(4)));
    else
      for (const [other, dims] of Object.entries(FAMILIES[random(FAMILIES.length)]!)) shapes.set(other, dims);
  }
  const tensors = [...shapes].map(([part, shape]) => {
    const count = shape.reduce((product, size) => product * size, 1);
    const odd = random(8) === 0 ? ODD_NUMBERS[random(ODD_NUMBERS.length)] : undefined;
    const values = Array.from({ length: count }, () => odd ?? random(100) / 100);
    return [`module.${part}`, { shape, values }] as const;
  });
  const path = join(folder, 'damaged.safetensors');
  writeFileSync(path, floatsFile(Object.fromEntries(tensors)));
  return readLora(await openSafetensors(path));
}

/** Applies what was read to a weight of the size that it asks for; an error must be one of ours. */
async function applied(lora: Lora): Promise<void> {
  const path = join(folder, 'weight.safetensors');
  for (const { weight, bias } of lora.modules.values()) {
    for (const change of [weight, bias]) {
      if (change === null) continue;
      const outputs = change.outputs ?? 4;
      const inputs = change.columns ?? 6;
      const values = new Array<number>(outputs * inputs).fill(1);
      writeFileSync(path, floatsFile({ w: { shape: [outputs, inputs], values } }));
      const tensor = (await openSafetensors(path)).tensors.get('w')!;
      const patched: PatchedTensor = {
        ...tensor,
        patches: [change.bind({ outputs, inputs, kernel: 1 }, 0.5)],
      };
      const graph = new GraphBuilder();
      const zero = graph.input('zero', 'float', [1]);
      graph.output('y', graph.op('Add', [graph.weight(patched), zero]), [outputs, inputs]);
      const model = graph.build('fuzz');
      const session = await Session.open('fuzz graph', model, { threads: 1 });
      const inputsOf = { zero: { data: new Float32Array(1), dims: [1] }, ...liveInputs(model) };
      const { dims } = await session.runOne(inputsOf, 'y').finally(() => session.dispose());
      expect(dims).toEqual([outputs, inputs]);
    }
  }
}

it('ends in a change that works or in a named error, whatever the file holds', async () => {
  const random = randomFrom(20_250_713);
  const ends = { works: 0, refused: 0, 'no numbers': 0 };
  for (let run = 0; run < 500; run += 1) {
    try {
      await applied(await damaged(random));
      ends.works += 1;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      // What is applied may run into infinity, but not into operators that do not fit each other.
      expect(['model-invalid', 'non-finite']).toContain(error.code);
      expect(error.message).not.toContain('fuzz graph could not');
      expect(error.message).not.toContain('fuzz graph failed');
      ends[error.code === 'non-finite' ? 'no numbers' : 'refused'] += 1;
    }
  }
  expect(ends.works).toBeGreaterThan(50);
  expect(ends.refused).toBeGreaterThan(50);
});
