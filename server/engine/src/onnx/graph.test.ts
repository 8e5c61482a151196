import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { floatsFile, safetensorsBytes } from '../weights/safetensors-bytes.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import type { TensorInfo } from '../weights/weight-source.ts';
import { GraphBuilder, type Value } from './graph.ts';
import { Session } from './session.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-graph-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function tensorIn(name: string, bytes: Uint8Array, tensor = 'w'): Promise<TensorInfo> {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  const found = (await openSafetensors(path)).tensors.get(tensor);
  if (found === undefined) throw new Error(`no ${tensor}`);
  return found;
}

/** What a graph of one input `x` [2] answers to it. */
async function answer(
  x: readonly number[],
  build: (graph: GraphBuilder, x: Value) => Value,
): Promise<number[]> {
  const graph = new GraphBuilder();
  graph.output('y', build(graph, graph.input('x', 'float', ['n'])), ['m']);
  const session = await Session.open('test graph', graph.build('test'), { threads: 1 });
  const { data } = await session.runOne({ x: { data: Float32Array.from(x), dims: [x.length] } }, 'y');
  await session.dispose();
  return [...data];
}

describe('weights', () => {
  const numbers = { w: { shape: [2], values: [10, 20] } };

  it.each([
    'plain.safetensors',
    'with spaces & (brackets).safetensors',
    'ünï 图.safetensors',
    "quote'.safetensors",
  ])('are used where they lie, in a file named %s', async (name) => {
    const weight = await tensorIn(name, floatsFile(numbers));
    expect(await answer([1, 2], (graph, x) => graph.op('Add', [x, graph.weight(weight)]))).toEqual([11, 22]);
  });

  it('may come from several files in several folders', async () => {
    mkdirSync(join(folder, 'deeper'));
    const one = await tensorIn('one.safetensors', floatsFile(numbers));
    const other = await tensorIn(
      'deeper/other.safetensors',
      floatsFile({ w: { shape: [2], values: [-1, 1] } }),
    );
    const sum = await answer([0, 0], (graph, x) =>
      graph.op('Add', [graph.op('Add', [x, graph.weight(one)]), graph.weight(other)]),
    );
    expect(sum).toEqual([9, 21]);
  });

  it.each([
    ['F16', [0x3c00, 0xc000], 2],
    ['BF16', [0x3f80, 0xc000], 2],
  ] as const)('are made float32 from %s, at an odd offset too', async (dtype, bits, width) => {
    const header = JSON.stringify({
      odd: { dtype: 'U8', shape: [1], data_offsets: [0, 1] },
      w: { dtype, shape: [2], data_offsets: [1, 1 + 2 * width] },
    });
    for (const padding of ['', ' ', '  ', '   ']) {
      const data = new Uint8Array([7, ...new Uint8Array(Uint16Array.from(bits).buffer)]);
      const weight = await tensorIn(
        `${dtype}${padding.length}`,
        safetensorsBytes({ header: header + padding, data }),
      );
      expect(await answer([0, 0], (graph, x) => graph.op('Add', [x, graph.weight(weight)]))).toEqual([1, -2]);
    }
  });

  it('may be used in part, and under other dims', async () => {
    const weight = await tensorIn('rows', floatsFile({ w: { shape: [3, 2], values: [1, 2, 3, 4, 5, 6] } }));
    const lastRow = await answer([0, 0], (graph, x) => graph.op('Add', [x, graph.weightRows(weight, 2, 3)]));
    expect(lastRow).toEqual([5, 6]);
    const column = await answer([100, 0], (graph, x) =>
      graph.op('Add', [
        graph.op('Reshape', [graph.op('ReduceSum', [x]), graph.ints([1])]),
        graph.weight(weight, [6]),
      ]),
    );
    expect(column).toEqual([101, 102, 103, 104, 105, 106]);
    expect(() => new GraphBuilder().weight(weight, [5])).toThrow(RangeError);
  });

  it('of integers are refused', async () => {
    const header = '{"w":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}';
    const weight = await tensorIn('integers', safetensorsBytes({ header, data: new Uint8Array(4) }));
    expect(() => new GraphBuilder().weight(weight)).toThrow(/not a float weight/);
  });

  it('are counted as float32', async () => {
    const weight = await tensorIn('counted', floatsFile(numbers));
    const graph = new GraphBuilder();
    graph.weight(weight);
    graph.weight(weight);
    expect(graph.build('test').weightBytes).toBe(8);
  });
});

describe('a session', () => {
  it('says that the weights are gone, without naming folders', async () => {
    const weight = await tensorIn('gone.safetensors', floatsFile({ w: { shape: [2], values: [1, 2] } }));
    rmSync(weight.file);
    const error = await answer([0, 0], (graph, x) => graph.op('Add', [x, graph.weight(weight)])).catch(
      (caught: unknown) => caught as Error,
    );
    expect(error).toMatchObject({ code: 'model-invalid' });
    expect((error as Error).message).toMatch(/^The test graph could not be loaded: /);
    expect((error as Error).message).not.toContain(folder);
  });

  it('refuses a graph with an operator that there is not', async () => {
    await expect(answer([0], (graph, x) => graph.op('Nonsense', [x]))).rejects.toMatchObject({
      code: 'model-invalid',
    });
  });

  it('refuses inputs of the wrong rank', async () => {
    const graph = new GraphBuilder();
    graph.output('y', graph.op('Neg', [graph.input('x', 'float', ['n'])]), ['n']);
    const session = await Session.open('test graph', graph.build('test'), { threads: 1 });
    const x = { data: Float32Array.of(1, 2), dims: [1, 2] };
    await expect(session.runOne({ x }, 'y')).rejects.toThrow(/^The test graph failed: /);
    await session.dispose();
  });

  it.each([
    ['infinite', [1, 0]],
    ['undefined', [0, 0]],
  ])('notices %s numbers in a result', async (_, x) => {
    const zero = [0, 0];
    await expect(
      answer(x, (graph, value) => graph.op('Div', [value, graph.floats(zero)])),
    ).rejects.toMatchObject({
      code: 'non-finite',
      message: expect.stringMatching(/^The test graph produced invalid numbers/) as string,
    });
  });

  it('finishes what it runs before it is disposed of, and cannot be used afterwards', async () => {
    const graph = new GraphBuilder();
    graph.output('y', graph.op('Neg', [graph.input('x', 'float', ['n'])]), ['n']);
    const session = await Session.open('test graph', graph.build('test'), { threads: 1 });
    const x = { data: Float32Array.of(1), dims: [1] };
    const running = session.runOne({ x }, 'y');
    await Promise.all([session.dispose(), session.dispose()]);
    expect([...(await running).data]).toEqual([-1]);
    await expect(session.runOne({ x }, 'y')).rejects.toThrow(/after it was disposed of/);
  });
});
