import { describe, it } from 'vitest';
import { denoiser, type Prediction } from '../../../engine/src/diffusion/denoiser.ts';
import { combined, guidanceWeights } from '../../../engine/src/diffusion/guidance.ts';
import { Comparison, fixture } from '../report/measure.ts';
import { contentOf } from './content-of.ts';

interface Rescaled {
  dims: [number, number, number, number];
  cfgScale: number;
  sigma: number;
  x: number[];
  text: number[];
  negative: number[];
  cases: { prediction: Prediction; share: number; denoised: number[] }[];
}

describe('guidance rescale', () => {
  const { dims, cfgScale, sigma, cases, ...inputs } = contentOf<Rescaled>('guidance-rescale.json');
  const latents = (values: number[]) => ({ data: Float32Array.from(values), dims });
  const weights = guidanceWeights(cfgScale, [1]);

  it.each(cases)('is that of diffusers: $prediction, $share', async ({ prediction, share, denoised }) => {
    const seeing = (values: number[]) =>
      denoiser(
        async () => latents(values),
        prediction,
        () => 0,
      );
    const denoise = combined(
      [
        { weight: weights.conds[0]!, plainWeight: 1, denoise: seeing(inputs.text) },
        { weight: weights.uncond, plainWeight: 0, denoise: seeing(inputs.negative) },
      ],
      { share, prediction },
    );
    const { data } = await denoise(latents(inputs.x), sigma);
    // Values up to 100, float32 on both sides.
    new Comparison('Samplers', 'Guidance rescale', fixture('diffusers 0.42.1')).close(data, denoised, 2e-5);
  });
});
