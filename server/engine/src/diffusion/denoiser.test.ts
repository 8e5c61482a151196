import { describe, expect, it } from 'vitest';
import type { Denoiser, Predictor } from './denoiser.ts';
import { denoiser } from './denoiser.ts';
import { combined, guidanceWeights, instructionWeights } from './guidance.ts';
import type { Latents } from './latents.ts';
import { weightedSum } from './latents.ts';
import { TorchCpuGenerator } from './random/torch-cpu.ts';

const dims = [1, 4, 4, 4] as const;
const generator = new TorchCpuGenerator(1);
const draw = (): Latents => ({ data: generator.normals(64), dims });
const [clean, noise] = [draw(), draw()];

const expectSame = (actual: Latents, expected: Latents) =>
  actual.data.forEach((value, i) => expect(value).toBeCloseTo(expected.data[i], 4));

describe('denoiser', () => {
  const sigma = 3;
  const noisy = weightedSum([1, clean], [sigma, noise]);
  const alpha = 1 / (1 + sigma ** 2);

  it('finds the clean latents from predicted noise', async () => {
    const denoise = denoiser(
      async () => noise,
      'epsilon',
      () => 0,
    );
    expectSame(await denoise(noisy, sigma), clean);
  });

  it('finds the clean latents from predicted velocity', async () => {
    const velocity = weightedSum([Math.sqrt(alpha), noise], [-Math.sqrt(1 - alpha), clean]);
    const denoise = denoiser(
      async () => velocity,
      'v',
      () => 0,
    );
    expectSame(await denoise(noisy, sigma), clean);
  });

  it('shows the network latents of unit variance and the timestep of the noise level', async () => {
    const seen: Parameters<Predictor>[] = [];
    const network: Predictor = async (...input) => {
      seen.push(input);
      return noise;
    };
    await denoiser(network, 'epsilon', (level) => 100 * level)(noisy, sigma);
    expect(seen).toHaveLength(1);
    expect(seen[0][1]).toBe(300);
    expectSame(seen[0][0], weightedSum([Math.sqrt(alpha), clean], [Math.sqrt(1 - alpha), noise]));
  });
});

describe('guidance', () => {
  const guided = (cond: Denoiser, uncond: Denoiser, cfgScale: number) => {
    const weights = guidanceWeights(cfgScale, [1]);
    return combined([
      { weight: weights.conds[0], plainWeight: 1, denoise: cond },
      { weight: weights.uncond, plainWeight: 0, denoise: uncond },
    ]);
  };

  it('goes from uncond towards cond and beyond', async () => {
    const denoise = guided(
      async () => clean,
      async () => noise,
      7,
    );
    expectSame(await denoise(clean, 1), weightedSum([7, clean], [-6, noise]));
  });

  it('leaves the second evaluation out where it would not count', async () => {
    const uncond = async () => {
      throw new Error('evaluated');
    };
    await expect(guided(async () => clean, uncond, 1)(clean, 1)).resolves.toBe(clean);
    await expect(guided(async () => clean, uncond, 2)(clean, 1)).rejects.toThrow('evaluated');
  });

  it('hands out what was seen without the prompt where that is kept, even if it does not count', async () => {
    for (const cfgScale of [1, 7]) {
      const weights = guidanceWeights(cfgScale, [1]);
      const denoise = combined([
        { weight: weights.conds[0], plainWeight: 1, denoise: async () => clean },
        { weight: weights.uncond, plainWeight: 0, denoise: async () => noise, isKept: true },
      ]);
      const answer = await denoise(clean, 1);
      expect(answer.uncond).toBe(noise);
      expectSame(answer, weightedSum([cfgScale, clean], [1 - cfgScale, noise]));
    }
  });

  it('adds up how far each of several prompts leads', () => {
    expect(guidanceWeights(7, [1, 0.5])).toEqual({ conds: [7, 3.5], uncond: -9.5 });
  });

  it('of a text and a picture is that of the text alone where the picture counts once', () => {
    expect(instructionWeights(7, 1)).toEqual({ cond: 7, image: -6, uncond: 0 });
    const { cond, image, uncond } = instructionWeights(7.5, 1.5);
    expect(cond + image + uncond).toBe(1);
  });
});
