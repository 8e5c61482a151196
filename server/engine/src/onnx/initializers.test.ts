import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { floatsFile, safetensorsBytes } from '../weights/safetensors-bytes.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import type { TensorInfo } from '../weights/weight-source.ts';
import { GraphBuilder, type OnnxModel, type Value } from './graph.ts';
import { Session } from './session.ts';

let folder: string;
let inFile: TensorInfo;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-initializers-'));
  inFile = await tensorIn('file', floatsFile({ w: { shape: [2], values: [10, 20] } }));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function tensorIn(name: string, bytes: Uint8Array): Promise<TensorInfo> {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  const found = (await openSafetensors(path)).tensors.get('w');
  if (found === undefined) throw new Error('no w');
  return found;
}

/** A tensor of these values that lies in no file; counts how often it is made. */
function madeOf(values: Float32Array, shape: readonly number[]): { tensor: TensorInfo; times: () => number } {
  let times = 0;
  const make = (): Promise<Uint8Array> => {
    times += 1;
    return Promise.resolve(new Uint8Array(values.buffer));
  };
  const made = { key: `test ${values.length}`, make };
  const tensor: TensorInfo = {
    name: 'made',
    dtype: 'F32',
    shape,
    file: inFile.file,
    offset: 0,
    byteLength: 4 * values.length,
    made,
  };
  return { tensor, times: () => times };
}

function sumOf(...parts: ((graph: GraphBuilder) => Value)[]): OnnxModel {
  const graph = new GraphBuilder();
  let sum = graph.input('x', 'float', [2]);
  for (const part of parts) sum = graph.op('Add', [sum, part(graph)]);
  graph.output('y', sum, [2]);
  return graph.build('test');
}

async function run(model: OnnxModel): Promise<number[]> {
  const session = await Session.open('test graph', model, { threads: 1 });
  const { data } = await session.runOne({ x: { data: new Float32Array(2), dims: [2] } }, 'y');
  await session.dispose();
  return [...data];
}

describe('weights that are made', () => {
  it('are used beside those in files', async () => {
    const { tensor } = madeOf(Float32Array.of(1, 2), [2]);
    const model = sumOf(
      (graph) => graph.weight(inFile),
      (graph) => graph.weight(tensor),
    );
    expect(await run(model)).toEqual([11, 22]);
    expect(model.openingBytes).toBeGreaterThan(0);
  });

  it('are used in part, and made once for all parts', async () => {
    const { tensor, times } = madeOf(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]);
    const rest = { ...tensor, shape: [2, 2], offset: 8, byteLength: 16 };
    const parts = [
      (graph: GraphBuilder): Value => graph.weightRows(tensor, 0, 1),
      (graph: GraphBuilder): Value => graph.weightRows(rest, 1, 2),
    ];
    expect(
      await run(
        sumOf(
          ...parts.map(
            (part) => (graph: GraphBuilder) => graph.op('Reshape', [part(graph), graph.ints([2])]),
          ),
        ),
      ),
    ).toEqual([6, 8]);
    expect(times()).toBe(1);
  });

  it('may be large: then all weights come from memory', async () => {
    const values = new Float32Array(17 * 1024 * 1024);
    values.set([7, 8], values.length - 2);
    const { tensor, times } = madeOf(values, [values.length / 2, 2]);
    const half = await tensorIn(
      'half',
      safetensorsBytes({
        header: '{"w":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}',
        data: new Uint8Array(Uint16Array.of(0x3c00, 0xc000).buffer),
      }),
    );
    const last = (graph: GraphBuilder): Value =>
      graph.gatherRows(tensor, graph.ints([values.length / 2 - 1]));
    const model = sumOf(
      (graph) => graph.weight(inFile),
      (graph) => graph.weight(half),
      (graph) => graph.op('Reshape', [last(graph), graph.ints([2])]),
    );
    expect(await run(model)).toEqual([18, 26]);
    expect(times()).toBe(1);
    expect(model.openingBytes).toBeGreaterThan(4 * values.length);
  });

  it('tell graphs apart as those in files do', async () => {
    const other = await tensorIn('other', floatsFile({ w: { shape: [2], values: [10, 20] } }));
    const made = madeOf(Float32Array.of(1, 2), [2]).tensor;
    const otherMade = { ...made, made: { key: 'another', make: () => Promise.resolve(new Uint8Array(8)) } };
    const bytes = [inFile, other, made, otherMade].map((tensor) =>
      Buffer.from(sumOf((graph) => graph.weight(tensor)).bytes).toString('latin1'),
    );
    expect(new Set(bytes).size).toBe(4);
  });

  it('that cannot be made end the opening with their error', async () => {
    const made = { key: 'none', make: () => Promise.reject(new Error('the file has changed')) };
    const tensor = { ...inFile, offset: 0, made };
    await expect(run(sumOf((graph) => graph.weight(tensor)))).rejects.toThrow('the file has changed');
  });
});

describe('eight-bit floats', () => {
  it.each([
    ['F8_E4M3', [0x38, 0xfe], [1, -448]],
    ['F8_E5M2', [0x3c, 0x7b], [1, 57344]],
  ] as const)('%s are used where they lie', async (dtype, bits, values) => {
    const header = `{"w":{"dtype":"${dtype}","shape":[2],"data_offsets":[0,2]}}`;
    const tensor = await tensorIn(dtype, safetensorsBytes({ header, data: Uint8Array.from(bits) }));
    expect(await run(sumOf((graph) => graph.weight(tensor)))).toEqual([...values]);
    const picked = sumOf((graph) => graph.gatherRows(tensor, graph.ints([1, 0])));
    expect(await run(picked)).toEqual([...values].reverse());
  });
});
