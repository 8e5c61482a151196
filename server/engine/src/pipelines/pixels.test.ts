import { describe, expect, it } from 'vitest';
import { roughRgb, toRgb } from './pixels.ts';

describe('toRgb', () => {
  const planes = { data: Float32Array.of(-1, 1, 0, -7, 9, 0.5), height: 1, width: 2 };

  it('interleaves planes and clamps what is too dark or too bright', () => {
    expect(toRgb(planes, Math.round)).toEqual({
      data: Uint8Array.of(0, 128, 255, 255, 0, 191),
      width: 2,
      height: 1,
    });
  });

  it('can truncate as the webui does', () => {
    expect([...toRgb(planes, Math.trunc).data]).toEqual([0, 127, 255, 255, 0, 191]);
  });
});

describe('roughRgb', () => {
  it('maps every latent pixel to a colour', () => {
    const latents = { data: Float32Array.of(0, 1, 0, 2), dims: [1, 2, 1, 2] as const };
    const map = {
      weight: [
        [0.2, 0, 0],
        [0, 0.4, -1],
      ] as const,
      bias: [0.2, 0.2, 0.4] as const,
    };
    expect(roughRgb(latents, map)).toEqual({
      data: Uint8Array.of(51, 51, 102, 102, 255, 0),
      width: 2,
      height: 1,
    });
  });
});
