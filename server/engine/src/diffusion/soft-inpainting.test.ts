import { describe, expect, it } from 'vitest';
import type { Latents } from './latents.ts';
import { TorchCpuGenerator } from './random/torch-cpu.ts';
import { keepSoftlyInDenoised, keepSoftlyInInput, softlyBlended } from './soft-inpainting.ts';

const dims = [1, 4, 2, 3] as const;
const generator = new TorchCpuGenerator(2);
const draw = (): Latents => ({ data: generator.normals(24), dims });
const [drawn, kept] = [draw(), draw()];
const even = (share: number) => new Float32Array(6).fill(share);
const lengths = ({ data }: Latents) =>
  Array.from({ length: 6 }, (_, i) => Math.hypot(data[i], data[i + 6], data[i + 12], data[i + 18]));
const expectClose = (actual: Latents, expected: Latents) =>
  actual.data.forEach((value, i) => expect(value).toBeCloseTo(expected.data[i], 4));

describe('softlyBlended', () => {
  it('is one or the other at the ends', () => {
    expectClose(softlyBlended(drawn, kept, even(1), 4), drawn);
    expectClose(softlyBlended(drawn, kept, even(0), 4), kept);
  });

  it('is as long as both are, whatever lies between them', () => {
    const [first, second] = [lengths(drawn), lengths(kept)];
    lengths(softlyBlended(drawn, kept, even(0.5), 1)).forEach((length, i) =>
      expect(length).toBeCloseTo((first[i] + second[i]) / 2, 3),
    );
  });

  it('comes nearer to the longer one the more contrast there is', () => {
    const [soft, hard] = [4, 32].map((contrast) => lengths(softlyBlended(drawn, kept, even(0.5), contrast)));
    lengths(drawn).forEach((length, i) => {
      const longest = Math.max(length, lengths(kept)[i]);
      expect(hard[i]).toBeGreaterThan(soft[i]);
      expect(hard[i]).toBeLessThanOrEqual(longest);
    });
  });
});

describe.each([keepSoftlyInDenoised, keepSoftlyInInput])('%o', (keep) => {
  const soft = { bias: 1, preservation: 0.5, contrast: 4 };
  const at = (mask: Float32Array, levelOf = (sigma: number) => sigma) =>
    keep({ original: kept, mask, soft, levelOf });

  it('leaves the model alone where all is drawn anew', async () => {
    const denoise = at(even(1)).around(async () => drawn);
    expectClose(await denoise(draw(), 2), drawn);
  });

  it('keeps more of the picture at high noise', async () => {
    const distances = await Promise.all(
      [0.1, 1, 5].map(async (sigma) => {
        const x = draw();
        const shown: Latents[] = [];
        const denoise = at(even(0.5)).around(async (input) => {
          shown.push(input);
          return drawn;
        });
        const answer = await denoise(x, sigma);
        const scale = Math.sqrt(1 + sigma ** 2);
        const seen =
          keep === keepSoftlyInDenoised ? answer.data : shown[0].data.map((value) => value / scale);
        return Math.hypot(...seen.map((value, i) => value - kept.data[i]));
      }),
    );
    expect(distances[0]).toBeGreaterThan(distances[1]);
    expect(distances[1]).toBeGreaterThan(distances[2]);
  });

  it('leaves the end to the mask of what has changed', () => {
    expect(at(even(0)).finish(drawn)).toBe(drawn);
  });
});
