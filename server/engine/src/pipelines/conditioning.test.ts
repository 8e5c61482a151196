import { describe, expect, it } from 'vitest';
import type { TextConditioning } from '../families/diffusion-model.ts';
import type { Family } from '../families/family-facts.ts';
import { samplerEntries } from '../diffusion/samplers/index.ts';
import { byName } from './catalogue.ts';
import { ColourModel } from './colour-model.ts';
import { conditionOnPrompts } from './conditioning.ts';

/** Gives the second token of a chunk as every value, and tells what it was asked. */
class PooledModel extends ColourModel {
  readonly skips: number[] = [];
  readonly #family: Family;
  override readonly card;

  constructor(family: Family) {
    super();
    this.#family = family;
    this.card = { ...new ColourModel().card, family: this.#family as 'sd1' };
  }

  override async encodeText(tokenIds: Int32Array, clipSkip = 1): Promise<TextConditioning> {
    this.skips.push(clipSkip);
    const data = new Float32Array(77 * 2).fill(tokenIds[1]!);
    return { data, dims: [1, 77, 2], pooled: Float32Array.of(tokenIds[1]!, 1) };
  }
}

const settings = {
  prompt: 'a red apple',
  negativePrompt: null as string | null,
  clipSkip: 2,
  embeddings: [],
  cfgScale: 7,
  conventions: 'webui' as 'webui' | 'diffusers',
  steps: 20,
  sampler: byName(samplerEntries, 'Euler')!,
};
const isZero = ({ data, pooled }: TextConditioning) =>
  [data, pooled!].every((all) => all.every((one) => one === 0));

describe('conditionOnPrompts', () => {
  it.each([
    ['sdxl', 'webui', null, true],
    ['sdxl', 'webui', '', true],
    ['sdxl', 'webui', ' ', false],
    ['sdxl', 'diffusers', null, true],
    ['sdxl', 'diffusers', '', false],
    ['sdxl-refiner', 'webui', '', true],
    ['sdxl-refiner', 'diffusers', null, false],
    ['sd1', 'webui', '', false],
    ['sd2', 'diffusers', null, false],
  ] as const)(
    'of %s as %s, negative prompt %j: nothing at all is %s',
    async (family, conventions, negative, zero) => {
      const model = new PooledModel(family);
      const { uncond } = await conditionOnPrompts(model, {
        ...settings,
        conventions,
        negativePrompt: negative,
      });
      expect(isZero(uncond[0]!.context)).toBe(zero);
    },
  );

  it('takes the vector for the whole text from the first chunk', async () => {
    const { conds } = await conditionOnPrompts(new PooledModel('sdxl'), {
      ...settings,
      prompt: 'red BREAK apple',
    });
    const { data, dims, pooled } = conds[0]!.schedule[0]!.context;
    expect(dims).toEqual([1, 154, 2]);
    expect(pooled![0]).toBe(data[0]);
    expect(data[0]).not.toBe(data[154]);
  });

  it('brings prompts joined by AND to one length with their last vector', async () => {
    const prompt = 'red BREAK apple AND pear :0.5';
    const { conds } = await conditionOnPrompts(new PooledModel('sd1'), { ...settings, prompt });
    expect(conds.map(({ weight, schedule: [entry] }) => [weight, entry!.context.dims[1]])).toEqual([
      [1, 154],
      [0.5, 154],
    ]);
    const { data } = conds[1]!.schedule[0]!.context;
    expect(data[2 * 77]).toBe(data[2 * 76]);
  });

  it('knows no AND as diffusers', async () => {
    const { conds } = await conditionOnPrompts(new PooledModel('sd1'), {
      ...settings,
      prompt: 'a AND b:2',
      conventions: 'diffusers',
    });
    expect(conds.map(({ weight }) => weight)).toEqual([1]);
  });

  it.each([
    ['sd1', 'webui', 2],
    ['sdxl', 'webui', 1],
    ['sd2', 'webui', 1],
    ['sdxl', 'diffusers', 2],
  ] as const)('skips layers of %s as %s does', async (family, conventions, expected) => {
    const model = new PooledModel(family);
    await conditionOnPrompts(model, { ...settings, conventions });
    expect(model.skips[0]).toBe(expected);
  });

  it('leaves the negative prompt out where guidance is off', async () => {
    const model = new PooledModel('sd1');
    await conditionOnPrompts(model, { ...settings, cfgScale: 1, negativePrompt: 'x' });
    expect(model.skips).toHaveLength(1);
  });

  it('encodes each text of a prompt that changes once, and all with as many chunks as the longest', async () => {
    const model = new PooledModel('sd1');
    const prompt = '[red|blue BREAK pear] # and so on';
    const { conds, uncond } = await conditionOnPrompts(model, { ...settings, steps: 4, prompt });
    const [{ schedule }] = conds as [(typeof conds)[0]];
    expect(schedule.map(({ endAt, context }) => [endAt, context.dims[1]])).toEqual(
      [1, 2, 3, 4].map((end) => [end, 154]),
    );
    expect(schedule[2]!.context).toBe(schedule[0]!.context);
    expect(schedule[1]!.context.data[0]).not.toBe(schedule[0]!.context.data[0]);
    expect(uncond).toHaveLength(1);
    // red, blue, pear, nothing to fill red up, the negative prompt
    expect(model.skips).toHaveLength(5);
  });

  it('restores one mean for all texts of a prompt that changes', async () => {
    const plain = await conditionOnPrompts(new PooledModel('sd1'), { ...settings, prompt: '[red:blue:5]' });
    const stressed = await conditionOnPrompts(new PooledModel('sd1'), {
      ...settings,
      prompt: '[red:(blue:2):5]',
    });
    const first = ({ conds }: typeof plain) => conds[0]!.schedule[0]!.context.data[0]!;
    expect(first(stressed)).toBeLessThan(first(plain));
  });

  it('counts two evaluations a step where a sampler makes them, and on from the first pass', async () => {
    const heun = { ...settings, sampler: byName(samplerEntries, 'Heun')!, prompt: '[a:b:0.5]' };
    const ends = async (...[options, first]: [typeof heun, typeof heun?]) => {
      const { conds } = await conditionOnPrompts(new PooledModel('sd1'), options, first ? { first } : {});
      return conds[0]!.schedule.map(({ endAt }) => endAt);
    };
    expect(await ends(heun)).toEqual([20, 40]);
    const second = { ...heun, prompt: '[a:b:45]', steps: 6 };
    expect(await ends(second, heun)).toEqual([5, 12]);
  });

  it('takes tags out of the prompt alone', async () => {
    const texts = { prompt: '<lora:x:1>red', negativePrompt: '<lora:x:1>red' };
    const { conds, uncond } = await conditionOnPrompts(new PooledModel('sd1'), { ...settings, ...texts });
    const bare = await conditionOnPrompts(new PooledModel('sd1'), { ...settings, prompt: 'red' });
    expect(conds[0]!.schedule[0]!.context.data).toEqual(bare.conds[0]!.schedule[0]!.context.data);
    expect(uncond[0]!.context.data).not.toEqual(conds[0]!.schedule[0]!.context.data);
  });
});
