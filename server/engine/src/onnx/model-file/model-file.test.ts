import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EngineError } from '../../errors.ts';
import { FolderFiles } from '../../weights/folder-files.ts';
import { ProtobufWriter } from '../protobuf.ts';
import { Session } from '../session.ts';
import { openModelFile, type ModelFile } from './model-file.ts';
import { castNode, ELEMENT, valueInfo } from './value-info.ts';

const FLOATS = 2048; // enough to lie outside of the graph
const WEIGHT = Float32Array.from({ length: FLOATS }, (_, index) => index / 7);
const bytesOf = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer);
const message = (): ProtobufWriter => new ProtobufWriter();

let above: string;
let folder: string;
let count = 0;
beforeAll(() => {
  above = mkdtempSync(join(tmpdir(), 'atelier-onnx-'));
});
beforeEach(() => {
  folder = join(above, `model-${count++}`);
  mkdirSync(join(folder, 'unet'), { recursive: true });
});
afterAll(() => {
  rmSync(above, { recursive: true });
});

/** `TensorProto` "w" of 2048 floats with these fields besides. */
function tensor(
  fill: (tensor: ProtobufWriter) => ProtobufWriter,
  dims: readonly number[] = [FLOATS],
): ProtobufWriter {
  return fill(message().ints(1, dims).int(2, ELEMENT.FLOAT).string(8, 'w'));
}
const inFile = (): ProtobufWriter => tensor((weight) => weight.bytes(9, bytesOf(WEIGHT)));
function beside(entries: Record<string, string>): ProtobufWriter {
  return tensor((weight) => {
    for (const [key, value] of Object.entries(entries)) {
      weight.message(13, message().string(1, key).string(2, value));
    }
    return weight.int(14, 1);
  });
}

interface Pieces {
  readonly weight?: ProtobufWriter;
  /** Type of input "x" and output "y". */
  readonly type?: number;
  /** Further fields of the graph and of the model. */
  readonly graph?: ProtobufWriter;
  readonly model?: ProtobufWriter;
}

/** A model that computes y = x + w. */
function modelBytes({ weight = inFile(), type = ELEMENT.FLOAT, graph, model }: Pieces = {}): Uint8Array {
  const shape = { type, dims: [FLOATS] };
  const isFloat = type === ELEMENT.FLOAT;
  const inside = message();
  if (!isFloat) inside.message(1, castNode('x', 'x32', ELEMENT.FLOAT));
  inside.message(
    1,
    message()
      .string(1, isFloat ? 'x' : 'x32')
      .string(1, 'w')
      .string(2, isFloat ? 'y' : 'y32')
      .string(4, 'Add'),
  );
  if (!isFloat) inside.message(1, castNode('y32', 'y', type));
  inside
    .string(2, 'g')
    .message(5, weight)
    .message(11, valueInfo({ name: 'x', ...shape }))
    .message(12, valueInfo({ name: 'y', ...shape }));
  if (graph !== undefined) inside.append(graph);
  const whole = message().int(1, 9).string(6, 'documentation').message(7, inside);
  if (model !== undefined) whole.append(model);
  return whole.message(8, message().string(1, '').int(2, 18)).finish();
}

function write(inside: string, bytes: Uint8Array): void {
  mkdirSync(dirname(join(folder, inside)), { recursive: true });
  writeFileSync(join(folder, inside), bytes);
}
async function open(pieces: Pieces | Uint8Array = {}): Promise<ModelFile> {
  write('unet/model.onnx', pieces instanceof Uint8Array ? pieces : modelBytes(pieces));
  return openModelFile(await FolderFiles.open(folder), 'unet/model.onnx');
}
/** What the model makes of 1, 1, 1, … */
async function run({ model, inputs, outputs }: ModelFile): Promise<Float32Array> {
  const session = await Session.open('test', model, { threads: 1 });
  const input = inputs.get('x')!;
  const data = input.isWhole ? new Int32Array(FLOATS).fill(1) : new Float32Array(FLOATS).fill(1);
  const { data: result } = await session.runOne(
    { [input.name]: { data, dims: [FLOATS] } },
    outputs.get('y')!.name,
  );
  await session.dispose();
  return result;
}

describe('the weights of an ONNX file', () => {
  it('are used where they lie in it', async () => {
    const file = await open();
    expect(file.model.bytes.length).toBeLessThan(1000);
    expect(file.parameters).toBe(FLOATS);
    expect(await run(file)).toEqual(WEIGHT.map((value) => value + 1));
  });

  it.each([
    { location: 'data.bin', offset: '64', length: String(4 * FLOATS) },
    { location: './data.bin', offset: '64' },
  ])('are used in the file beside it: %j', async (entries) => {
    write('unet/data.bin', Buffer.concat([new Uint8Array(64), bytesOf(WEIGHT), new Uint8Array(8)]));
    const file = await open({ weight: beside(entries) });
    expect(await run(file)).toEqual(WEIGHT.map((value) => value + 1));
  });

  it('stay in the graph if they are short', async () => {
    const bytes = modelBytes({
      graph: message().message(
        5,
        tensor((w) => w.bytes(9, new Uint8Array(40)), [10]),
      ),
    });
    expect((await open(bytes)).model.weights).toHaveLength(1);
  });
});

describe('inputs and outputs of an ONNX file', () => {
  it.each([ELEMENT.FLOAT16, ELEMENT.DOUBLE])(
    'are float32 in a session, whatever type (%i) they have',
    async (type) => {
      const result = await run(await open({ type }));
      const expected = WEIGHT.map((value) => value + 1);
      result.forEach((value, index) => expect(Math.abs(value / expected[index]! - 1)).toBeLessThan(1e-3));
    },
  );

  it('are int32 where they are whole numbers of 64 bits', async () => {
    const file = await open({ type: ELEMENT.INT64 });
    const outputs = await Session.open('test', file.model, { threads: 1 });
    await outputs.dispose();
    expect([...file.inputs.values()]).toMatchObject([{ isWhole: true, dims: [FLOATS] }]);
  });

  it.each([9, 8, 14, 0])('may not be of type %i', async (type) => {
    await expect(open({ type })).rejects.toThrow(/of a type .* that is not known/);
  });

  it('leave out weights that old files list among them', async () => {
    const listed = valueInfo({ name: 'w', type: ELEMENT.FLOAT, dims: [FLOATS] });
    const file = await open({ graph: message().message(11, listed) });
    expect([...file.inputs.keys()]).toEqual(['x']);
    expect(await run(file)).toEqual(WEIGHT.map((value) => value + 1));
  });
});

describe('a hostile ONNX file', () => {
  it.each([
    '../../secret.bin',
    '../../../../../../etc/passwd',
    '/etc/passwd',
    'C:\\secret.bin',
    '..\\..\\secret.bin',
    'link.bin',
    'a\u0000b',
  ])('may not take weights from %j', async (location) => {
    writeFileSync(join(above, 'secret.bin'), bytesOf(WEIGHT));
    symlinkSync('../../secret.bin', join(folder, 'unet/link.bin'));
    const failure = await open({ weight: beside({ location }) }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EngineError);
    expect((failure as EngineError).message).toMatch(/not inside its folder/);
    expect((failure as EngineError).message).not.toContain(above);
  });

  it.each([
    ['a missing file', { location: 'gone.bin' }, /lacks the file "unet\/gone.bin"/],
    ['a folder', { location: '.' }, /is a folder/],
    ['no place', { offset: '0' }, /does not say where/],
    ['a place after the end', { location: 'data.bin', offset: '9' }, /ends after the 8192 bytes/],
    ['a place that is no number', { location: 'data.bin', offset: '-1' }, /no number/],
    ['a place that no number holds', { location: 'data.bin', offset: '9007199254740993' }, /no number/],
    ['another length', { location: 'data.bin', length: '8' }, /8 bytes, but its shape has 8192/],
  ])('may not take weights from %s', async (_, entries, error) => {
    write('unet/data.bin', bytesOf(WEIGHT));
    await expect(open({ weight: beside(entries as Record<string, string>) })).rejects.toThrow(error);
  });

  it.each([
    ['of another size', tensor((w) => w.bytes(9, bytesOf(WEIGHT)), [4096])],
    ['of a negative size', tensor((w) => w.bytes(9, bytesOf(WEIGHT)), [-2048])],
    ['of an endless size', tensor((w) => w.bytes(9, bytesOf(WEIGHT)), [2 ** 40, 2 ** 40])],
    ['of too many dimensions', tensor((w) => w.bytes(9, bytesOf(WEIGHT)), new Array(9).fill(1) as number[])],
    ['of an unknown type', message().ints(1, [1]).int(2, 99).string(8, 'w').bytes(9, bytesOf(WEIGHT))],
    [
      'in two places',
      tensor((w) => w.bytes(9, bytesOf(WEIGHT)).message(13, message().string(1, 'location'))),
    ],
  ])('may not have a weight %s', async (_, weight) => {
    await expect(open({ weight })).rejects.toMatchObject({ code: 'model-invalid' });
  });

  const outside = beside({ location: '/etc/passwd' });
  const constant = message().string(1, 'value').message(5, outside).int(20, 4);
  const deep = (depth: number, inner: ProtobufWriter): ProtobufWriter => {
    let node = message().string(4, 'If').message(5, inner);
    for (let level = 0; level < depth; level += 1) {
      node = message()
        .string(4, 'If')
        .message(5, message().message(6, message().message(1, node)));
    }
    return node;
  };
  it.each([
    ['a constant', { graph: message().message(1, message().string(4, 'Constant').message(5, constant)) }],
    [
      'a graph in a node',
      { graph: message().message(1, deep(3, message().message(6, message().message(5, outside)))) },
    ],
    ['a function', { model: message().message(25, message().message(7, deep(0, constant))) }],
    ['the default of a function', { model: message().message(25, message().message(11, constant)) }],
    [
      'a list of tensors',
      { graph: message().message(1, message().message(5, message().message(10, outside))) },
    ],
  ])('may not keep %s in another file', async (_, pieces) => {
    await expect(open(pieces)).rejects.toThrow(/constant in another file/);
  });

  it('may not nest graphs without end', async () => {
    await expect(open({ graph: message().message(1, deep(2000, constant)) })).rejects.toThrow(/without end/);
  });

  it.each([
    ['empty', new Uint8Array()],
    ['a text', new TextEncoder().encode('<html>not a model</html>')],
    ['no graph', message().int(1, 9).finish()],
    ['two graphs', message().message(7, message()).message(7, message()).finish()],
    ['a length beyond the end', Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0x7f)],
    ['a number without end', new Uint8Array(64).fill(0xff)],
    ['a cut tag', Uint8Array.of(0x80)],
  ])('may not be %s', async (_, bytes) => {
    await expect(open(bytes)).rejects.toMatchObject({ code: 'model-invalid' });
  });

  it('ends in a model or in a named error, wherever it is damaged', async () => {
    const path = new URL(
      '../../../../test/fixtures/onnx-folder/model/text_encoder/model.onnx',
      import.meta.url,
    );
    const whole = new Uint8Array(readFileSync(fileURLToPath(path)));
    let state = 12345;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return state % below;
    };
    const ends = { model: 0, error: 0 };
    for (let round = 0; round < 400; round += 1) {
      const bytes = round % 4 === 0 ? whole.slice(0, random(whole.length)) : whole.slice();
      for (let flip = 0; flip < 8; flip += 1) bytes[random(bytes.length)]! ^= 1 << random(8);
      const result = await open(bytes).catch((error: unknown) => error);
      if (result instanceof Error) expect(result).toBeInstanceOf(EngineError);
      ends[result instanceof Error ? 'error' : 'model'] += 1;
    }
    expect(ends.error).toBeGreaterThan(100);
    expect(ends.model).toBeGreaterThan(10);
  });
});
