import { expect } from 'vitest';
import type { DiffusionModel } from '../../../engine/src/families/diffusion-model.ts';
import type { TinyAutoencoder } from '../../../engine/src/families/open-taesd.ts';
import { Comparison, type Origin } from '../report/measure.ts';
import type { References } from './tensors.ts';

/**
 * Largest absolute differences from the reference that are only rounding. The reference itself, run with other float32
 * kernels, moves by 4.3e-6, 1.6e-5, 2e-6, 1.9e-5 and 1.2e-5 in this order; unscaled latents have a spread of about 8.
 */
export const TOLERANCE = { unet: 2e-5, text: 5e-5, decode: 2e-5, encode: 5e-5, taesd: 5e-5 } as const;

/** What the networks of a model are held to: a row of the report each. */
export interface Comparisons {
  readonly unet: Comparison;
  readonly text: Comparison;
  readonly decode: Comparison;
  readonly encode: Comparison;
}

/** Rows for a family's networks, by its name. */
export const comparisonsOf = (family: string, origin: Origin): Comparisons => ({
  unet: new Comparison('UNets', family, origin),
  text: new Comparison('Text', `Encoder, ${family}`, origin),
  decode: new Comparison('VAEs', `Decoder, ${family}`, origin),
  encode: new Comparison('VAEs', `Encoder, ${family}`, origin),
});

/** A case of the UNet, `<key>.sample`, `.timestep`, `.context` and `.out`; batches are run picture by picture too. */
export async function expectUnetAgrees(
  model: DiffusionModel,
  references: References,
  key: string,
  { unet }: Pick<Comparisons, 'unet'>,
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
    unet.close(result.data, part(out.data), TOLERANCE.unet);
  }
}

/** One chunk of text, `<key>.ids`, at CLIP skip 1 and 2. */
export async function expectTextAgrees(
  model: DiffusionModel,
  references: References,
  key: string,
  { text }: Pick<Comparisons, 'text'>,
): Promise<void> {
  for (const clipSkip of [1, 2]) {
    const expected = references.floats(`${key}.skip${clipSkip}`);
    const result = await model.encodeText(references.ids(`${key}.ids`), clipSkip);
    expect(result.dims).toEqual(expected.dims);
    text.close(result.data, expected.data, TOLERANCE.text);
  }
}

/** `<latents>`, scaled, to `<decoded>`. */
export async function expectDecoderAgrees(
  model: DiffusionModel,
  references: References,
  { latents, decoded }: { latents: string; decoded: string },
  { decode }: Pick<Comparisons, 'decode'>,
): Promise<void> {
  const expected = references.planes(decoded);
  const result = await model.decode(references.planes(latents));
  expect([1, 3, result.height, result.width]).toEqual(expected.dims);
  decode.close(result.data, expected.data, TOLERANCE.decode);
}

/** `<key>.image` to `<key>.mean` and `<key>.logvar`. */
export async function expectEncoderAgrees(
  model: DiffusionModel,
  references: References,
  key: string,
  { encode }: Pick<Comparisons, 'encode'>,
): Promise<void> {
  const image = references.planes(`${key}.image`);
  const [, , height, width] = image.dims;
  const posterior = await model.encodeImage({ data: image.data, height, width });
  for (const part of ['mean', 'logvar'] as const) {
    const expected = references.planes(`${key}.${part}`);
    expect(posterior[part].dims).toEqual(expected.dims);
    encode.close(posterior[part].data, expected.data, TOLERANCE.encode);
  }
}

/** Picture to latents and other latents to a picture. */
export async function expectTaesdAgrees(
  taesd: TinyAutoencoder,
  references: References,
  names: { image: string; encoded: string; latents: string; decoded: string },
  { encode, decode }: Pick<Comparisons, 'encode' | 'decode'>,
): Promise<void> {
  const image = references.planes(names.image);
  const [, , height, width] = image.dims;
  const encoded = await taesd.encode({ data: image.data, height, width });
  expect(encoded.dims).toEqual(references.planes(names.encoded).dims);
  encode.close(encoded.data, references.planes(names.encoded).data, TOLERANCE.taesd);
  const decoded = await taesd.decode(references.planes(names.latents));
  expect([1, 3, decoded.height, decoded.width]).toEqual(references.planes(names.decoded).dims);
  decode.close(decoded.data, references.planes(names.decoded).data, TOLERANCE.taesd);
}
