import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DiffusionModel } from '../../../engine/src/families/diffusion-model.ts';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import { openEmbedding } from '../../../engine/src/families/open-embedding.ts';
import { conditionOn } from '../../../engine/src/pipelines/conditioning.ts';
import { goldenJson, goldenPath, hasGoldens } from '../diffusion/goldens.ts';
import { Comparison, golden } from '../report/measure.ts';
import { TOLERANCE } from './agreement.ts';
import { openReferences, type References } from './tensors.ts';

// Reference: transformers 5.23.0, float32, with the vectors laid over the token embeddings.
const TRANSFORMERS = golden('transformers 5.23.0');
const compared = new Comparison('Changes to a checkpoint', 'Textual inversion, SD 1.x', TRANSFORMERS);
const comparedXl = new Comparison('Changes to a checkpoint', 'Textual inversion, SDXL', TRANSFORMERS);

interface Inversion {
  readonly name: string;
  readonly file: string;
  readonly prompt: string;
  readonly vectors: number;
  readonly position: number;
}

describe.skipIf(!hasGoldens)('textual inversion', () => {
  const { textual_inversion: inversions } = hasGoldens
    ? goldenJson<{ textual_inversion: Inversion[] }>('families/sd1/text.json')
    : { textual_inversion: [] };
  let model: DiffusionModel;
  let references: References;
  beforeAll(async () => {
    model = await openCheckpoint(goldenPath('checkpoints/tiny-sd1.safetensors'), { threads: 1 });
    references = await openReferences(goldenPath('families/sd1/text.safetensors'));
  });
  afterAll(() => model.dispose());

  it.each(inversions)('of $file', async ({ name, file, prompt, vectors, position }) => {
    const embedding = await openEmbedding(goldenPath(`checkpoints/${file}`), 'zwx');
    expect(embedding.vectors).toBe(vectors);
    const expected = references.floats(`${name}.skip1`);
    const fixes = [{ position, embedding }];
    const encoded = await model.encodeText(references.ids(`${name}.ids`), 1, fixes);
    compared.close(encoded.data, expected.data, TOLERANCE.text);
    const named = await conditionOn(model, prompt.replace('{embedding}', 'zwx'), {
      clipSkip: 1,
      conventions: 'webui',
      embeddings: [embedding],
    });
    compared.close(named.data, expected.data, TOLERANCE.text);
  });

  it('passes over an embedding for other text encoders, as if its name were a word', async () => {
    const other = await openEmbedding(goldenPath('checkpoints/tiny-ti-sdxl.safetensors'), 'zwx');
    const settings = { clipSkip: 1, conventions: 'webui' } as const;
    const [withOther, without] = [
      await conditionOn(model, 'a zwx', { ...settings, embeddings: [other] }),
      await conditionOn(model, 'a zwx', { ...settings, embeddings: [] }),
    ];
    expect(withOther.data).toEqual(without.data);
    await expect(
      model.encodeText(references.ids('ti0.ids'), 1, [{ position: 4, embedding: other }]),
    ).rejects.toThrow('"zwx" is 8 and 8 wide, but the model\'s text encoders take 16');
  });
});

describe.skipIf(!hasGoldens)('textual inversion for two text encoders', () => {
  it('gives each its own vectors', async () => {
    const { textual_inversion: inversion } = goldenJson<{ textual_inversion: Inversion }>(
      'families/sdxl/text.json',
    );
    const { file, prompt, vectors } = inversion;
    const model = await openCheckpoint(goldenPath('checkpoints/tiny-sdxl.safetensors'), { threads: 1 });
    const references = await openReferences(goldenPath('families/sdxl/text.safetensors'));
    const embedding = await openEmbedding(goldenPath(`checkpoints/${file}`), 'zwx');
    expect(embedding.vectors).toBe(vectors);
    const { data, dims, pooled } = await conditionOn(model, prompt.replace('{embedding}', 'zwx'), {
      clipSkip: 1,
      conventions: 'webui',
      embeddings: [embedding],
    });
    const [l, g] = ['l', 'g'].map((tower) => references.floats(`ti.${tower}.penultimate`).data);
    const width = l!.length / dims[1];
    const side = (first: number): Float32Array =>
      data.filter((_, index) => index % dims[2] >= first && index % dims[2] < first + width);
    comparedXl.close(side(0), l!, TOLERANCE.text);
    comparedXl.close(side(width), g!, TOLERANCE.text);
    comparedXl.close(pooled!, references.floats('ti.g.text_embeds').data, TOLERANCE.text);
    await model.dispose();
  });
});
