import { describe, expect, it } from 'vitest';
import type { Denoiser } from './denoiser.ts';
import { blended, keepInDenoised, keepInInput, keepNoised } from './inpainting.ts';
import type { Latents } from './latents.ts';
import { weightedSum } from './latents.ts';
import { TorchCpuGenerator } from './random/torch-cpu.ts';
import { euler } from './samplers/euler.ts';

const dims = [1, 2, 2, 2] as const;
const generator = new TorchCpuGenerator(3);
const draw = (): Latents => ({ data: generator.normals(8), dims });
const [original, noise, clean] = [draw(), draw(), draw()];
/** Keeps the first of four latent pixels, draws the second, and mixes the others. */
const mask = Float32Array.of(0, 1, 0.25, 0.5);

/** Knows one picture, whatever it is shown, and keeps what that was. */
function knowing(picture: Latents): { denoise: Denoiser; shown: Latents[] } {
  const shown: Latents[] = [];
  const denoise: Denoiser = async (x) => {
    shown.push(x);
    return picture;
  };
  return { denoise, shown };
}

async function drawn(denoise: Denoiser, start: Latents): Promise<Latents> {
  const walk = euler()(denoise, start, [4, 2, 1, 0], () => noise);
  let step = await walk.next();
  while (!step.done) step = await walk.next();
  return step.value;
}

function expectSame(
  actual: Latents,
  expected: Latents,
  at: readonly number[] = [...actual.data.keys()],
): void {
  for (const i of at) expect(actual.data[i]).toBeCloseTo(expected.data[i], 5);
}

describe('blended', () => {
  it('takes every channel by the same mask', () => {
    const { data } = blended(mask, clean, original);
    [...data.keys()].forEach((i) => {
      const share = mask[i % 4];
      expect(data[i]).toBeCloseTo(share * clean.data[i] + (1 - share) * original.data[i], 6);
    });
  });
});

describe('keeping part of a picture', () => {
  const kept = { original, mask };

  it('in what the model sees ends in both pictures, blended', async () => {
    const { around, finish } = keepInDenoised(kept);
    const result = finish(await drawn(around(knowing(clean).denoise), noise));
    const once = blended(mask, clean, original);
    expectSame(result, blended(mask, once, original));
  });

  it('in the input does the same to what is seen without the prompt', async () => {
    const both: Denoiser = async () => ({ ...clean, uncond: clean });
    const answer = await keepInInput(kept).around(both)(noise, 2);
    expect(answer.uncond).toEqual({ data: answer.data, dims });
    expectSame(answer, clean, [1, 5]);
  });

  it('in the input shows the model the picture without noise, and leaves the drawn part alone', async () => {
    const { around, finish } = keepInInput(kept);
    const { denoise, shown } = knowing(clean);
    const result = finish(await drawn(around(denoise), noise));
    expectSame(result, original, [0, 4]);
    expectSame(result, clean, [1, 5]);
    expectSame(shown[0], weightedSum([Math.sqrt(17), original]), [0, 4]);
    expectSame(shown[0], noise, [1, 5]);
  });

  it('with noise shows the model the picture at the level reached', async () => {
    const { around, finish } = keepNoised(kept, noise, (level) =>
      level === 4 ? null : { level, factor: 1 },
    );
    const { denoise, shown } = knowing(clean);
    const result = finish(await drawn(around(denoise), noise));
    expectSame(shown[0], noise);
    expectSame(shown[1], weightedSum([1, original], [2, noise]), [0, 4]);
    expectSame(result, original, [0, 4]);
    expectSame(result, clean, [1, 5]);
  });
});
