import { describe, it } from 'vitest';
import { keepSoftlyInDenoised } from '../../../engine/src/diffusion/soft-inpainting.ts';
import { changeMask } from '../../../engine/src/pixels/change-mask.ts';
import { Comparison, fixture } from '../report/measure.ts';
import { contentOf } from './content-of.ts';

interface Soft {
  dims: [number, number, number, number];
  kept: number[];
  drawn: number[];
  mask: number[];
  distance: number[];
  blends: { level: number; bias: number; contrast: number; blend: number[] }[];
  shown: { influence: number; mask: number[] }[];
}

describe('soft inpainting', () => {
  const { dims, blends, shown, ...inputs } = contentOf<Soft>('soft-inpainting.json');
  const latents = (values: number[]) => ({ data: Float32Array.from(values), dims });
  const mask = Float32Array.from(inputs.mask);
  const row = (feature: string) =>
    new Comparison('Samplers', feature, fixture("the webui's formulas in torch"));

  it.each(blends)('blends as in the webui at level $level', async ({ level, bias, contrast, blend }) => {
    const { around } = keepSoftlyInDenoised({
      original: latents(inputs.kept),
      mask,
      soft: { bias, contrast, preservation: 0.5 },
      levelOf: (sigma) => sigma,
    });
    const { data } = await around(async () => latents(inputs.drawn))(latents(inputs.drawn), level);
    row('Soft inpainting: blends').close(data, blend, 2e-5);
  });

  it.each(shown)('shows what has changed, influence $influence', ({ influence, mask: expected }) => {
    const distance = { values: Float32Array.from(inputs.distance), height: dims[2], width: dims[3] };
    const rule = { maskInfluence: influence, threshold: 0.5, changeContrast: 2 };
    // Bytes: the fraction is dropped, where the last digit may matter.
    row('Soft inpainting: what is shown, in bytes').close(
      changeMask(distance, mask, rule, 0.5).data,
      expected,
      1,
    );
  });
});
