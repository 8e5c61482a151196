import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imagePromptInputs } from '../../../engine/src/families/image-prompt-inputs.ts';
import { clipPixels } from '../../../engine/src/families/clip-pixels.ts';
import type { ControlNet, ControlResiduals } from '../../../engine/src/families/control-models.ts';
import type { PixelPlanes, TextConditioning } from '../../../engine/src/families/diffusion-model.ts';
import { openAdapter } from '../../../engine/src/families/open-adapter.ts';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import { openClipVision } from '../../../engine/src/families/open-clip-vision.ts';
import { openControlNet } from '../../../engine/src/families/open-control.ts';
import { openImagePrompt } from '../../../engine/src/families/open-image-prompt.ts';
import type { RgbImage } from '../../../engine/src/pixels/image.ts';
import { openSafetensors } from '../../../engine/src/weights/safetensors.ts';
import { writeControls } from '../../fixtures/control/write-controls.mjs';
import { maxDifference } from '../diffusion/goldens.ts';
import { openReferences, type References } from '../networks/tensors.ts';
import { Comparison, fixture } from '../report/measure.ts';
import { adapterToDiffusers, controlToDiffusers, copyRenamed } from './respell.ts';

// The reference is torch 2.13.0, diffusers 0.42.1 and transformers 5.23.0 in float64: see make_fixtures.py.
const EXPECTED = fileURLToPath(new URL('../../fixtures/control/expected.safetensors', import.meta.url));
/** Of a spread of 1; results with a larger one are divided by it. */
const TOLERANCE = 2e-5;
/** Where weights are twice as large as usual, which multiplies rounding with every layer. */
const LOUD_TOLERANCE = 1e-4;
const ONE_THREAD = { threads: 1 };
/** As diffusers names the file in a network's folder. */
const WEIGHTS = 'diffusion_pytorch_model.safetensors';

let folder: string;
let references: References;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-control-'));
  await writeControls(folder);
  references = await openReferences(EXPECTED);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const pathOf = (name: string): string => join(folder, `${name}.safetensors`);

const REFERENCE = fixture('diffusers 0.42.1, transformers 5.23.0, float64');
/** What the report calls the files, and what comes out of them. */
const FEATURES: Record<string, string> = {
  'one-control': 'ControlNet, SD 1.x',
  'two-difference': 'ControlNet, SD 2.x, as a difference',
  'xl-control': 'ControlNet, SDXL',
  'xl-control-lora': 'ControlNet, SDXL, control-LoRA',
  'light-adapter': 'T2I-Adapter, light',
  'xl-adapter': 'T2I-Adapter, full, SDXL',
  'xl-features': 'T2I-Adapter, SDXL, UNet with it',
  vision: 'Image encoder, CLIP',
  tower: 'Image encoder, CLIP, a folder',
  'open-vision': 'Image encoder, OpenCLIP',
  'one-plain': 'IP-Adapter, SD 1.x, plain',
  'one-full': 'IP-Adapter, SD 1.x, full face',
  'xl-plus': 'IP-Adapter, SDXL, plus',
};

function comparisonOf(result: string): Comparison {
  const [name = '', ...parts] = result.split('.');
  const feature = FEATURES[name];
  if (feature === undefined) throw new Error(`The report has no name for ${name}.`);
  const isUnet = feature.startsWith('IP-Adapter') && parts.at(-1) === 'out';
  return new Comparison('Control', feature + (isUnet ? ', UNet with it' : ''), REFERENCE);
}

function expectAgrees(actual: { data: Float32Array; dims: readonly number[] }, name: string): void {
  const expected = references.floats(name);
  expect([name, ...actual.dims]).toEqual([name, ...expected.dims]);
  const { data } = expected;
  const spread = Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length);
  const difference = maxDifference(actual.data, data) / Math.max(1, spread);
  const limit = name.startsWith('two-difference.') ? LOUD_TOLERANCE : TOLERANCE;
  comparisonOf(name).within(difference, limit, 'std', name);
}

const hintOf = (name: string): PixelPlanes => {
  const { data, dims } = references.planes(`${name}.hint`);
  return { data, height: dims[2], width: dims[3] };
};

const textOf = (name: string): TextConditioning => {
  const { data, dims } = references.floats(`${name}.context`);
  const isPooled = references.names.includes(`${name}.pooled`);
  const pooled = isPooled ? { pooled: references.floats(`${name}.pooled`).data } : {};
  return { data, dims: [1, dims[1] ?? 0, dims[2] ?? 0], ...pooled };
};

const pictureOf = (name: string): RgbImage => {
  const data = Uint8Array.from(references.ids(`picture.${name}`));
  const [width = 0] = { wide: [83], tall: [31], small: [21] }[name] ?? [];
  return { data, width, height: data.length / 3 / width };
};

async function evaluated(control: ControlNet, name: string): Promise<ControlResiduals> {
  const hint = await control.encodeHint(hintOf(name));
  const x = references.planes(`${name}.sample`);
  return control.evaluate({ x, timestep: 321, context: textOf(name), hint });
}

async function expectControlAgrees(control: ControlNet, name: string): Promise<void> {
  const { skips, middle } = await evaluated(control, name);
  expect(skips).toHaveLength(control.skips);
  skips.forEach((skip, index) => {
    expectAgrees(skip, `${name}.skip${index}`);
  });
  expectAgrees(middle, `${name}.middle`);
}

it('files with made-up weights are byte for byte those that the reference was run with', () => {
  const checksums = JSON.parse(references.metadata.get('sha256') ?? '{}') as Record<string, string>;
  expect(Object.keys(checksums)).toHaveLength(14);
  for (const [name, sha256] of Object.entries(checksums)) {
    expect(
      createHash('sha256')
        .update(readFileSync(pathOf(name)))
        .digest('hex'),
    ).toBe(sha256);
  }
});

describe('ControlNets compute what diffusers computes:', () => {
  it.each([
    ['one-control', 'sd1', undefined],
    ['two-difference', 'sd2', 'two'],
    ['xl-control', 'sdxl', undefined],
    ['xl-control-lora', 'sdxl', 'xl'],
  ] as const)('%s', async (name, family, base) => {
    const over = base === undefined ? {} : { base: pathOf(base) };
    const control = await openControlNet(pathOf(name), { ...ONE_THREAD, ...over });
    expect(control).toMatchObject({ family, factor: 8 });
    await expectControlAgrees(control, name);
    await control.dispose();
  });

  it('in the spelling of diffusers, as a file and as a folder', async () => {
    const names = (await openSafetensors(pathOf('xl-control'))).tensors.keys();
    const file = join(folder, 'xl-control-diffusers', WEIGHTS);
    await copyRenamed(pathOf('xl-control'), file, controlToDiffusers(names));
    for (const path of [file, join(folder, 'xl-control-diffusers')]) {
      const control = await openControlNet(path, ONE_THREAD);
      await expectControlAgrees(control, 'xl-control');
      await control.dispose();
    }
  });
});

describe('a ControlNet whose residuals are averaged', () => {
  it('is told by a configuration, beside the file or in its folder', async () => {
    const isPooled = async (path: string): Promise<boolean> => (await openControlNet(path)).isPooled;
    expect(await isPooled(pathOf('one-control'))).toBe(false);
    const yaml = 'model:\n  params:\n    global_average_pooling: True\n';
    writeFileSync(join(folder, 'one-control.yaml'), yaml);
    expect(await isPooled(pathOf('one-control'))).toBe(true);
    rmSync(join(folder, 'one-control.yaml'));

    const path = join(folder, 'pooled');
    const names = (await openSafetensors(pathOf('xl-control'))).tensors.keys();
    await copyRenamed(pathOf('xl-control'), join(path, WEIGHTS), controlToDiffusers(names));
    expect(await isPooled(path)).toBe(false);
    writeFileSync(join(path, 'config.json'), '{"global_pool_conditions": true}');
    expect(await isPooled(path)).toBe(true);
  });
});

describe('ControlNets say what is wrong:', () => {
  it('a difference without a base, or over another family', async () => {
    await expect(openControlNet(pathOf('xl-control-lora'))).rejects.toMatchObject({
      code: 'invalid-request',
    });
    await expect(openControlNet(pathOf('xl-control-lora'), { base: pathOf('one') })).rejects.toMatchObject({
      code: 'model-invalid',
    });
    await expect(openControlNet(pathOf('two-difference'), { base: pathOf('vision') })).rejects.toMatchObject({
      code: 'model-invalid',
    });
  });

  it('a file of another kind', async () => {
    for (const name of ['one', 'light-adapter', 'one-plain', 'vision']) {
      await expect(openControlNet(pathOf(name))).rejects.toThrow(`"${name}.safetensors" is not a ControlNet`);
    }
  });

  it('text of another width, and hints of odd sizes', async () => {
    const control = await openControlNet(pathOf('one-control'), ONE_THREAD);
    const hint = await control.encodeHint(hintOf('one-control'));
    const x = references.planes('one-control.sample');
    await expect(
      control.evaluate({ x, timestep: 1, context: textOf('xl-control'), hint }),
    ).rejects.toMatchObject({ code: 'invalid-request' });
    const odd = { data: new Float32Array(3 * 20 * 24), height: 20, width: 24 };
    await expect(control.encodeHint(odd)).rejects.toMatchObject({ code: 'invalid-request' });
    await control.dispose();
  });
});

describe('T2I-Adapters compute what diffusers computes:', () => {
  it.each([
    ['light-adapter', 8],
    ['xl-adapter', 16],
  ])('%s', async (name, factor) => {
    const adapter = await openAdapter(pathOf(name), ONE_THREAD);
    expect(adapter.factor).toBe(factor);
    const hint = hintOf(name);
    const area = hint.height * hint.width;
    const isGray = hint.data.length === area;
    const data = isGray ? new Float32Array([...hint.data, ...hint.data, ...hint.data]) : hint.data;
    const features = await adapter.features({ ...hint, data });
    expect(features).toHaveLength(4);
    features.forEach((feature, index) => {
      expectAgrees(feature, `${name}.feature${index}`);
    });
    await adapter.dispose();
  });

  it.each(['light-adapter', 'xl-adapter'])('%s in the spelling of diffusers', async (name) => {
    const names = (await openSafetensors(pathOf(name))).tensors.keys();
    const path = join(folder, `${name}-diffusers`);
    await copyRenamed(pathOf(name), join(path, WEIGHTS), adapterToDiffusers(names, name === 'light-adapter'));
    const hint = { data: new Float32Array(3 * 64 * 64).fill(0.3), height: 64, width: 64 };
    const original = await openAdapter(pathOf(name), ONE_THREAD);
    const expected = await original.features(hint);
    for (const other of [path, join(path, WEIGHTS)]) {
      const adapter = await openAdapter(other, ONE_THREAD);
      const same = fixture('the same file in its first spelling');
      const compared = new Comparison('Control', 'T2I-Adapter, spelled as in diffusers', same);
      compared.exact(await adapter.features(hint), expected);
      await adapter.dispose();
    }
    await original.dispose();
  });

  it('in a UNet with fewer levels, such as SDXL’s, the last is added to the middle', async () => {
    const model = await openCheckpoint(pathOf('xl'), ONE_THREAD);
    const x = references.planes('xl-features.sample');
    const context = textOf('xl-features');
    const features = [0, 1, 2].map((index) => references.planes(`xl-features.feature${index}`));
    expectAgrees(await model.predict(x, 654, context, { features }), 'xl-features.out');
    for (const misfit of [features.slice(1), features.toReversed()]) {
      await expect(model.predict(x, 654, context, { features: misfit })).rejects.toMatchObject({
        code: 'invalid-request',
        message: expect.stringMatching(
          /^The T2I-Adapter (?:adds to 2 layers|is for layers 128, 128, 32 wide)/,
        ) as string,
      });
    }
    await model.dispose();
  });

  it('other files are told', async () => {
    await expect(openAdapter(pathOf('one-control'))).rejects.toThrow('is not a T2I-Adapter');
  });
});

describe('vision towers compute what transformers computes:', () => {
  it.each([
    ['vision', 'vision.safetensors'],
    ['tower', 'tower'],
    ['open-vision', 'open-vision.safetensors'],
  ])('%s', async (name, file) => {
    const tower = await openClipVision(join(folder, file), ONE_THREAD);
    const pixels = references.floats(`${name}.pixels`);
    const made = await tower.run({ pixels }, ['embeds', 'hidden']);
    expectAgrees(made.embeds, `${name}.embeds`);
    expectAgrees(made.hidden, `${name}.hidden`);
    await tower.dispose();
  });

  it.each(['wide', 'tall', 'small'])('a picture is prepared as by its processor: %s', (name) => {
    const pixels = clipPixels(pictureOf(name), 42);
    const compared = new Comparison('Control', 'Image encoder, its pixels', fixture('transformers 5.23.0'));
    compared.close(pixels.data, references.floats(`pixels.${name}`).data, 1e-6);
  });

  it('other files are told', async () => {
    await expect(openClipVision(pathOf('one'), {})).rejects.toThrow('is not the vision tower');
    await expect(openClipVision(folder, {})).rejects.toThrow('holds no weights of a vision tower');
  });
});

describe('IP-Adapters compute what diffusers computes:', () => {
  it.each([
    ['one-plain', 'one', 'vision.safetensors'],
    ['one-full', 'one', 'tower'],
    ['xl-plus', 'xl', 'open-vision.safetensors'],
  ])('%s', async (name, base, vision) => {
    const prompt = await openImagePrompt(pathOf(name), join(folder, vision), ONE_THREAD);
    const model = await openCheckpoint(pathOf(base), { ...ONE_THREAD, imagePrompts: [prompt] });
    const one = await prompt.encode([pictureOf('wide')]);
    const both = await prompt.encode([pictureOf('wide'), pictureOf('tall')]);
    const x = references.planes(`${name}.sample`);
    const cases = [
      ['cond', one.cond, 0.7],
      ['uncond', one.uncond, 0.7],
      ['both', both.cond, 1],
    ] as const;
    for (const [label, tokens, weight] of cases) {
      expectAgrees(tokens, `${name}.${label}.tokens`);
      const inputs = imagePromptInputs(0, { tokens, weight, batch: 1 });
      const out = await model.predict(x, 654, textOf(name), { inputs });
      expectAgrees(out, `${name}.${label}.out`);
    }
    await Promise.all([model.dispose(), prompt.dispose()]);
  });

  it('change nothing without a picture, and add up', async () => {
    const open = (name: string): ReturnType<typeof openImagePrompt> =>
      openImagePrompt(
        pathOf(name),
        join(folder, name === 'one-full' ? 'tower' : 'vision.safetensors'),
        ONE_THREAD,
      );
    const prompts = [await open('one-full'), await open('one-plain')];
    const bare = await openCheckpoint(pathOf('one'), ONE_THREAD);
    const model = await openCheckpoint(pathOf('one'), { ...ONE_THREAD, imagePrompts: prompts });
    const x = references.planes('one-plain.sample');
    const text = textOf('one-plain');
    const plain = await bare.predict(x, 654, text);
    expect(maxDifference((await model.predict(x, 654, text)).data, plain.data)).toBeLessThan(1e-6);
    const { cond } = await prompts[1]!.encode([pictureOf('wide')]);
    const inputs = imagePromptInputs(1, { tokens: cond, weight: 0.7, batch: 1 });
    expectAgrees(await model.predict(x, 654, text, { inputs }), 'one-plain.cond.out');
    await Promise.all([bare.dispose(), model.dispose(), ...prompts.map((prompt) => prompt.dispose())]);
  });

  it('say what does not fit', async () => {
    await expect(openImagePrompt(pathOf('one-plain'), pathOf('open-vision'))).rejects.toThrow(
      'takes features 40 wide',
    );
    await expect(openImagePrompt(pathOf('one-control'), pathOf('vision'))).rejects.toThrow(
      'is not an IP-Adapter',
    );
    const prompt = await openImagePrompt(pathOf('xl-plus'), pathOf('open-vision'));
    await expect(openCheckpoint(pathOf('one'), { imagePrompts: [prompt] })).rejects.toMatchObject({
      code: 'model-invalid',
    });
    await prompt.dispose();
  });
});
