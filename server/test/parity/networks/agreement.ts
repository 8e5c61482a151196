import { expect } from 'vitest';
import type { DiffusionModel } from '../../../engine/src/families/diffusion-model.ts';
import type { TinyAutoencoder } from '../../../engine/src/families/open-taesd.ts';
import { maxDifference } from '../diffusion/goldens.ts';
import type { References } from './tensors.ts';

/**
 * Largest absolute differences from the reference that are only rounding. The reference itself, run with other float32
 * kernels, moves by 4.3e-6, 1.6e-5, 2e-6, 1.9e-5 and 1.2e-5 in this order; unscaled latents have a spread of about 8.
 */
export const TOLERANCE = { unet: 2e-5, text: 5e-5, decode: 2e-5, encode: 5e-5, taesd: 5e-5 } as const;

/** A case of the UNet, `<key>.sample`, `.timestep`, `.context` and `.out`; batches are run picture by picture too. */
export async function expectUnetAgrees(
  model: DiffusionModel,
  references: References,
  key: string,
): Promise<void> {
  const sample = references.planes(`${key}.sample`);
  const context = references.floats(`${key}.context`);
  const out = references.planes(`${key}.out`);
  const [timestep = Number.NaN] = references.floats(`${key}.timestep`).data;
  const [batch, ...picture] = sample.dims;
  const [, tokens = 0, width = 0] = context.dims;
  for (let index = 0; index < batch; index += 1) {
    const part = (data: Float32Array): Float32Array =>
      data.slice((index * data.length) / batch, ((index + 1) * data.length) / batch);
    const result = await model.predict({ data: part(sample.data), dims: [1, ...picture] }, timestep, {
      data: part(context.data),
      dims: [1, tokens, width],
    });
    expect(result.dims).toEqual([1, ...out.dims.slice(1)]);
    expect(maxDifference(result.data, part(out.data))).toBeLessThan(TOLERANCE.unet);
  }
}

/** One chunk of text, `<key>.ids`, at CLIP skip 1 and 2. */
export async function expectTextAgrees(
  model: DiffusionModel,
  references: References,
  key: string,
): Promise<void> {
  for (const clipSkip of [1, 2]) {
    const expected = references.floats(`${key}.skip${clipSkip}`);
    const result = await model.encodeText(references.ids(`${key}.ids`), clipSkip);
    expect(result.dims).toEqual(expected.dims);
    expect(maxDifference(result.data, expected.data)).toBeLessThan(TOLERANCE.text);
  }
}

/** `<latents>`, scaled, to `<decoded>`. */
export async function expectDecoderAgrees(
  model: DiffusionModel,
  references: References,
  { latents, decoded }: { latents: string; decoded: string },
): Promise<void> {
  const expected = references.planes(decoded);
  const result = await model.decode(references.planes(latents));
  expect([1, 3, result.height, result.width]).toEqual(expected.dims);
  expect(maxDifference(result.data, expected.data)).toBeLessThan(TOLERANCE.decode);
}

/** `<key>.image` to `<key>.mean` and `<key>.logvar`. */
export async function expectEncoderAgrees(
  model: DiffusionModel,
  references: References,
  key: string,
): Promise<void> {
  const image = references.planes(`${key}.image`);
  const [, , height, width] = image.dims;
  const posterior = await model.encodeImage({ data: image.data, height, width });
  for (const part of ['mean', 'logvar'] as const) {
    const expected = references.planes(`${key}.${part}`);
    expect(posterior[part].dims).toEqual(expected.dims);
    expect(maxDifference(posterior[part].data, expected.data)).toBeLessThan(TOLERANCE.encode);
  }
}

/** Picture to latents and other latents to a picture. */
export async function expectTaesdAgrees(
  taesd: TinyAutoencoder,
  references: References,
  names: { image: string; encoded: string; latents: string; decoded: string },
): Promise<void> {
  const image = references.planes(names.image);
  const [, , height, width] = image.dims;
  const encoded = await taesd.encode({ data: image.data, height, width });
  expect(encoded.dims).toEqual(references.planes(names.encoded).dims);
  expect(maxDifference(encoded.data, references.planes(names.encoded).data)).toBeLessThan(TOLERANCE.taesd);
  const decoded = await taesd.decode(references.planes(names.latents));
  expect([1, 3, decoded.height, decoded.width]).toEqual(references.planes(names.decoded).dims);
  expect(maxDifference(decoded.data, references.planes(names.decoded).data)).toBeLessThan(TOLERANCE.taesd);
}
