import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { GraphBuilder, type PatchedTensor, type Value } from '../../../engine/src/onnx/graph.ts';
import { takeBranches } from '../../../engine/src/onnx/live-branch.ts';
import { liveInputs, Session } from '../../../engine/src/onnx/session.ts';
import { openSafetensors } from '../../../engine/src/weights/safetensors.ts';
import { countOf, type TensorInfo, type WeightSource } from '../../../engine/src/weights/weight-source.ts';
import { readLora, type Lora } from '../../../engine/src/patches/lora.ts';
import type { Strength } from '../../../engine/src/patches/factor.ts';
import { Comparison, fixture } from '../report/measure.ts';

// Reference: torch 2.13.0 in float64; see make_fixtures.py. Weights are about 0.3, updates up to 3.
const EXPECTED = fileURLToPath(new URL('../../fixtures/patches/expected.safetensors', import.meta.url));
const TOLERANCE = 5e-6;

let source: WeightSource;
let lora: Lora;
beforeAll(async () => {
  source = await openSafetensors(EXPECTED);
  lora = await readLora(source);
});

function tensor(name: string): TensorInfo {
  const found = source.tensors.get(name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

function patched(name: string, strength: Strength): PatchedTensor {
  const weight = tensor(`weight/${name}`);
  const change = lora.modules.get(`change/${name}`)?.weight;
  if (change === null || change === undefined) throw new Error(`nothing changes ${name}`);
  const [outputs = 1, inputs = 1, ...kernel] = weight.shape;
  expect(change.outputs ?? outputs).toBe(outputs);
  expect(change.columns ?? inputs * countOf(kernel)).toBe(inputs * countOf(kernel));
  return { ...weight, patches: [change.bind({ outputs, inputs, kernel: countOf(kernel) }, strength)] };
}

/** What a graph makes, with the zero that keeps everything from being a constant. */
async function made(build: (graph: GraphBuilder) => Value): Promise<Float32Array> {
  const graph = new GraphBuilder();
  const zero = graph.input('zero', 'float', [1]);
  graph.output('y', graph.op('Add', [build(graph), zero]), ['n']);
  const model = graph.build('test');
  const session = await Session.open('test graph', model, { threads: 1 });
  const inputs = { zero: { data: new Float32Array(1), dims: [1] }, ...liveInputs(model) };
  const { data } = await session.runOne(inputs, 'y');
  await session.dispose();
  return data;
}

/** What the report calls a change, by what its name begins with. */
const FEATURES: [string, string][] = [
  ['lora-conv', 'LoRA of convolutions'],
  ['lora-mid', 'LoRA with a middle (Tucker)'],
  ['lora', 'LoRA'],
  ['loha', 'LoHa'],
  ['lokr', 'LoKr'],
  ['ia3', 'IA3'],
  ['dora', 'DoRA'],
  ['full', 'Full difference'],
  ['norm', 'Difference of norms'],
  ['glora', 'GLoRA'],
  ['oft', 'OFT'],
  ['boft', 'BOFT'],
];
const REFERENCE = fixture('torch 2.13.0 after the papers, float64');

function featureOf(name: string): string {
  const found = FEATURES.find(([start]) => name.startsWith(start));
  if (found === undefined) throw new Error(`The report has no name for ${name}.`);
  return `${found[1]}: weights`;
}

async function expectClose(actual: Float32Array, name: string, rows?: [number, number]): Promise<void> {
  const all = await source.readFloats(tensor(name));
  const columns = all.length / (tensor(name).shape[0] ?? 1);
  const expected = rows === undefined ? all : all.subarray(rows[0] * columns, rows[1] * columns);
  expect(actual).toHaveLength(expected.length);
  const row = new Comparison('Changes to a checkpoint', featureOf(name), REFERENCE);
  row.close(actual, expected, TOLERANCE, name);
}

const CASES = [
  ...['lora', 'lora-alpha', 'lora-scale', 'lora-conv', 'lora-mid', 'loha', 'loha-conv', 'loha-tucker'],
  ...['lokr-whole', 'lokr-factored', 'lokr-conv', 'lokr-tucker', 'ia3-output', 'ia3-input', 'ia3-conv'],
  ...['dora-output', 'dora-input', 'dora-conv', 'dora-peft', 'full', 'norm'],
  ...['glora-old', 'glora', 'glora-conv', 'oft', 'oft-bound', 'oft-diag', 'boft'],
];
const STRENGTHS = ['1.0', '0.7', '-0.5'];
const isMatrix = (name: string): boolean => tensor(`weight/${name}`).shape.length === 2;

describe('a weight becomes what the reference makes of it, by', () => {
  it('every change of the file, and no other', () => {
    expect([...lora.modules.keys()].sort()).toEqual(CASES.map((name) => `change/${name}`).sort());
  });

  it.each(CASES)('%s', async (name) => {
    for (const strength of STRENGTHS) {
      const whole = await made((graph) => graph.weight(patched(name, Number(strength))));
      await expectClose(whole, `${name}@${strength}`);
    }
  });

  it.each(CASES)('%s, at a strength that is given when it runs', async (name) => {
    const live = { name: 'strength', value: 0.7 };
    await expectClose(await made((graph) => graph.weight(patched(name, live))), `${name}@0.7`);
  });

  it.each(CASES)('%s, in some of its rows', async (name) => {
    const rows = await made((graph) => graph.weightRows(patched(name, 0.7), 6, 12));
    await expectClose(rows, `${name}@0.7`, [6, 12]);
  });
});

describe('a live branch adds what the update would', () => {
  const canBranch = ['lora', 'lora-alpha', 'lora-scale', 'lora-conv', 'lora-mid', 'loha', 'loha-conv'];

  it('for LoRA, and for LoHa of small ranks', () => {
    const live = { name: 'strength', value: 0.7 };
    expect(CASES.filter((name) => takeBranches(patched(name, live)).branches.length > 0)).toEqual(canBranch);
  });

  it.each(canBranch)('%s', async (name) => {
    const live = { name: 'strength', value: -0.5 };
    const { rest, branches } = takeBranches(patched(name, live));
    expect(rest).not.toHaveProperty('patches');
    const { shape } = rest;
    const [outputs = 0, inputs = 0, kernel = 1] = shape;
    // The unit matrix, or one pixel for each place of the kernel and each input, shows the weight itself.
    const eye = new Float32Array(inputs * inputs).map((_, index) => (index % (inputs + 1) === 0 ? 1 : 0));
    const shown = await made((graph) => {
      if (isMatrix(name)) {
        const unit = graph.floats(eye, [inputs, inputs]);
        const rows = { first: 0, last: outputs };
        const part = branches[0]!.multiply(graph, unit, rows);
        return graph.op('Add', [graph.op('Transpose', [part], { perm: [1, 0] }), graph.weight(rest)]);
      }
      const side = 2 * kernel - 1;
      const pixels = new Float32Array(inputs * inputs * side * side);
      for (let input = 0; input < inputs; input += 1) {
        pixels[(input * inputs + input) * side * side + (kernel - 1) * (side + 1)] = 1;
      }
      const x = graph.floats(pixels, [inputs, inputs, side, side]);
      const window = { kernel_shape: [kernel, kernel], pads: [0, 0, 0, 0], strides: [1, 1] } as const;
      const part = branches[0]!.convolve(graph, x, window); // [inputs, outputs, kernel, kernel], flipped
      const whole = graph.op('Add', [part, graph.op('Conv', [x, graph.weight(rest)], window)]);
      const planes = graph.op('Transpose', [whole], { perm: [1, 0, 2, 3] });
      const order = graph.ints(Array.from({ length: kernel }, (_, index) => kernel - 1 - index));
      return graph.op('Gather', [graph.op('Gather', [planes, order], { axis: 2 }), order], { axis: 3 });
    });
    await expectClose(shown, `${name}@-0.5`);
  });
});
