import { cpSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DiffusionModel } from '../../../engine/src/families/diffusion-model.ts';
import { inspectFile } from '../../../engine/src/families/inspect-file.ts';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import { comparisonsOf } from '../networks/agreement.ts';
import { openReferences, type References } from '../networks/tensors.ts';
import { fixture } from '../report/measure.ts';

// The reference is PyTorch 2.13 in float32: see make_fixtures.py beside the model.
const FIXTURES = fileURLToPath(new URL('../../fixtures/onnx-folder/', import.meta.url));
const FOLDER = join(FIXTURES, 'model');
/** Some times what was measured (1.3e-6, 1e-6, 1.3e-3, 1e-6): rounding, and a decoder of half precision with its 11 bits. */
const TOLERANCE = { text: 1e-5, unet: 1e-5, decode: 5e-3, encode: 1e-5 } as const;

const PYTORCH = fixture('PyTorch 2.13.0');
const compared = comparisonsOf('ONNX folder', PYTORCH);
const comparedHalf = comparisonsOf('ONNX folder, half precision', PYTORCH);
const comparedXl = comparisonsOf('ONNX folder, SDXL', PYTORCH);

describe('a model exported to ONNX computes what PyTorch computes:', () => {
  let model: DiffusionModel;
  let references: References;
  beforeAll(async () => {
    model = await openCheckpoint(FOLDER, { threads: 1 });
    references = await openReferences(join(FIXTURES, 'expected.safetensors'));
  });
  afterAll(() => model.dispose());

  it('text encoder, whose ids are 64-bit', async () => {
    const expected = references.floats('hidden');
    const { data, dims } = await model.encodeText(references.ids('ids'));
    expect(dims).toEqual(expected.dims);
    compared.text.close(data, expected.data, TOLERANCE.text);
  });

  it('UNet, whose weights lie beside the graph and whose timestep is a whole number', async () => {
    const sample = references.planes('sample');
    const context = { data: references.floats('context').data, dims: [1, 77, 8] as const };
    const [timestep = 0] = references.floats('timestep').data;
    const expected = references.planes('out');
    for (const fraction of [0, 0.4]) {
      const { data, dims } = await model.predict(sample, timestep + fraction, context);
      expect(dims).toEqual(expected.dims);
      compared.unet.close(data, expected.data, TOLERANCE.unet);
    }
  });

  it('UNet, picture by picture of a batch', async () => {
    const sample = references.planes('sample');
    const context = { data: references.floats('context').data, dims: [1, 77, 8] as const };
    const twice = { data: new Float32Array([...sample.data, ...sample.data]), dims: sample.dims.with(0, 2) };
    const [timestep = 0] = references.floats('timestep').data;
    const { data, dims } = await model.predict(twice as typeof sample, timestep, context);
    expect(dims[0]).toBe(2);
    const expected = references.floats('out').data;
    compared.unet.close(data.slice(expected.length), expected, TOLERANCE.unet);
  });

  it('VAE decoder in half precision', async () => {
    const expected = references.planes('decoded');
    const { data, height, width } = await model.decode(references.planes('latents'));
    expect([1, 3, height, width]).toEqual(expected.dims);
    comparedHalf.decode.close(data, expected.data, TOLERANCE.decode);
  });

  it('VAE encoder', async () => {
    const { data, dims } = references.planes('image');
    const posterior = await model.encodeImage({ data, height: dims[2], width: dims[3] });
    for (const part of ['mean', 'logvar'] as const) {
      const expected = references.planes(part);
      expect(posterior[part].dims).toEqual(expected.dims);
      compared.encode.close(posterior[part].data, expected.data, TOLERANCE.encode);
    }
  });

  it('says what it is and what it cannot do', async () => {
    expect(model).toMatchObject({
      task: 'text',
      prediction: 'epsilon',
      latentScale: 0.2,
      factor: 2,
      card: { family: 'sd1', task: 'text' },
    });
    const inspected = await inspectFile(FOLDER);
    expect(inspected).toMatchObject({ kind: 'checkpoint', family: 'sd1', card: model.card });
    expect(inspected.card?.parameters.unet).toBe(6362);
    expect(inspected.sizeBytes).toBeGreaterThan(100_000);
    await expect(openCheckpoint(FOLDER, { vae: FOLDER })).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(model.encodeText(references.ids('ids'), 2)).rejects.toMatchObject({
      code: 'invalid-request',
    });
    const x = references.planes('sample');
    const context = { data: references.floats('context').data, dims: [1, 77, 8] as const };
    await expect(model.predict(x, 1, context, { features: [x] })).rejects.toThrow(/takes no ControlNet/);
    const odd = { data: new Float32Array(4 * 15), dims: [1, 4, 3, 5] as [number, number, number, number] };
    await expect(model.predict(odd, 1, context)).rejects.toThrow(/cannot draw 10x6 pixels/);
  });
});

describe('a model of the kind of SDXL exported to ONNX computes what PyTorch computes:', () => {
  let folder: string;
  let model: DiffusionModel;
  let references: References;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'atelier-onnx-xl-'));
    cpSync(join(FIXTURES, 'model-xl'), folder, { recursive: true });
    cpSync(join(FOLDER, 'vae_decoder'), join(folder, 'vae_decoder'), { recursive: true });
    model = await openCheckpoint(folder, { threads: 1 });
    references = await openReferences(join(FIXTURES, 'expected-xl.safetensors'));
  });
  afterAll(async () => {
    await model.dispose();
    rmSync(folder, { recursive: true });
  });

  it('both text encoders at the last layer but one, and the pooled vector', async () => {
    const { data, dims, pooled } = await model.encodeText(references.ids('ids'));
    const expected = references.floats('context');
    expect(dims).toEqual(expected.dims);
    comparedXl.text.close(data, expected.data, TOLERANCE.text);
    comparedXl.text.close(pooled!, references.floats('pooled').data, TOLERANCE.text);
    await expect(model.encodeText(references.ids('ids'), 3)).rejects.toMatchObject({
      code: 'invalid-request',
    });
  });

  it('UNet, told the size and a fractional timestep', async () => {
    const [timestep = 0] = references.floats('timestep').data;
    const context = {
      data: references.floats('context').data,
      dims: [1, 77, 16] as const,
      pooled: references.floats('pooled').data,
    };
    const { data } = await model.predict(references.planes('sample'), timestep, context);
    comparedXl.unet.close(data, references.floats('out').data, TOLERANCE.unet);
    expect(model.card.family).toBe('sdxl');
  });
});

describe('the files of a model exported to ONNX', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'atelier-onnx-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('are noticed when they change, also those beside the graph', async () => {
    const copy = join(folder, 'copy');
    cpSync(FOLDER, copy, { recursive: true });
    const model = await openCheckpoint(copy, { threads: 1 });
    utimesSync(join(copy, 'unet/model.onnx_data'), 1, 1);
    await expect(model.load()).rejects.toMatchObject({ code: 'model-changed' });
    await model.dispose();
  });

  it('may lack the VAE encoder, and nothing else', async () => {
    const copy = join(folder, 'part');
    cpSync(FOLDER, copy, { recursive: true });
    rmSync(join(copy, 'vae_encoder'), { recursive: true });
    const model = await openCheckpoint(copy, { threads: 1 });
    const pixels = { data: new Float32Array(3 * 64), height: 8, width: 8 };
    await expect(model.encodeImage(pixels)).rejects.toThrow(/no VAE encoder/);
    await model.dispose();
    rmSync(join(copy, 'text_encoder'), { recursive: true });
    await expect(openCheckpoint(copy)).rejects.toThrow(/lacks the file "text_encoder\/model.onnx"/);
  });
});
