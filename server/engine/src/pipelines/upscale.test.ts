import { describe, expect, it } from 'vitest';
import type { PixelPlanes } from '../families/diffusion-model.ts';
import type { Upscaler } from '../families/open-upscaler.ts';
import { mapTiles } from '../tiles/map-tiles.ts';
import { upscale, type UpscaleEvent, type UpscaleRequest } from './upscale.ts';

/** Repeats each pixel, in tiles of 8. */
class Repeating implements Upscaler {
  readonly name = 'repeating';
  readonly scale: number;
  runs = 0;

  constructor(scale: number) {
    this.scale = scale;
  }

  async *tiles(pixels: PixelPlanes): ReturnType<Upscaler['tiles']> {
    const { scale } = this;
    const tiling = { tile: 8, overlap: 2, feather: 2, scale };
    return yield* mapTiles({ ...pixels, channels: 3 }, tiling, async (tile) => {
      this.runs += 1;
      const height = tile.height * scale;
      const width = tile.width * scale;
      const data = new Float32Array(3 * height * width);
      data.forEach((_, index) => {
        const row = Math.floor(index / width / scale); // of all channels: their heights are multiples of scale
        data[index] = tile.data[row * tile.width + Math.floor((index % width) / scale)]!;
      });
      return { data, channels: 3, height, width };
    });
  }

  upscale(): Promise<PixelPlanes> {
    return Promise.reject(new Error('not used'));
  }

  async dispose(): Promise<void> {}
}

const picture = (width: number, height: number) => ({
  data: Uint8Array.from({ length: 3 * width * height }, (_, index) => (index * 37) % 256),
  width,
  height,
});

async function collect(request: UpscaleRequest): Promise<UpscaleEvent[]> {
  const events: UpscaleEvent[] = [];
  for await (const event of upscale(request)) events.push(event);
  return events;
}

const sizeOf = (events: readonly UpscaleEvent[]) => {
  const last = events.at(-1);
  return last?.type === 'image' ? [last.image.width, last.image.height] : null;
};

describe('upscale', () => {
  it('repeats the network until the picture is large enough, then makes it smaller', async () => {
    const events = await collect({ image: picture(6, 4), upscaler: new Repeating(2), to: 3 });
    expect(sizeOf(events)).toEqual([18, 12]);
    expect(events.slice(0, -1)).toEqual([
      { type: 'tile', pass: 1, tile: 1, tiles: 1 },
      { type: 'tile', pass: 2, tile: 1, tiles: 2 },
      { type: 'tile', pass: 2, tile: 2, tiles: 2 },
    ]);
  });

  it('stops after three passes and makes up the rest', async () => {
    const events = await collect({ image: picture(2, 2), upscaler: new Repeating(2), to: 20 });
    const passes = events.map((event) => (event.type === 'tile' ? event.pass : 0));
    expect(Math.max(...passes)).toBe(3);
    expect(sizeOf(events)).toEqual([40, 40]);
  });

  it('gives out what the network makes where the size is right', async () => {
    const image = picture(10, 9);
    const events = await collect({ image, upscaler: new Repeating(2), to: 2 });
    const last = events.at(-1);
    if (last?.type !== 'image') throw new Error('no picture');
    const nearest = (await collect({ image, upscaler: 'nearest', to: 2 })).at(-1);
    expect(last).toEqual(nearest);
  });

  it('does not enlarge what is large enough, but lets a network clean at factor 1', async () => {
    const upscaler = new Repeating(1);
    expect(sizeOf(await collect({ image: picture(8, 8), upscaler, to: 0.5 }))).toEqual([4, 4]);
    expect(upscaler.runs).toBe(0);
    expect(sizeOf(await collect({ image: picture(8, 8), upscaler, to: 1 }))).toEqual([8, 8]);
    expect(upscaler.runs).toBe(1);
  });

  it('works without a network', async () => {
    const flat = { data: new Uint8Array(3 * 5 * 4).fill(77), width: 5, height: 4 };
    const events = await collect({ image: flat, upscaler: 'lanczos', to: { width: 13, height: 30 } });
    expect(events).toHaveLength(1);
    expect(sizeOf(events)).toEqual([13, 30]);
    expect(events[0]?.type === 'image' && events[0].image.data.every((value) => value === 77)).toBe(true);
  });

  it('stops between tiles when nobody asks for more', async () => {
    const upscaler = new Repeating(2);
    for await (const event of upscale({ image: picture(40, 40), upscaler, to: 2 })) {
      if (event.type === 'tile' && event.tile === 3) break;
    }
    expect(upscaler.runs).toBe(3);
  });

  it('refuses sizes that are none', async () => {
    for (const to of [0, -1, Number.NaN, Infinity, { width: 1.5, height: 3 }, 20_000]) {
      await expect(collect({ image: picture(2, 2), upscaler: 'nearest', to })).rejects.toMatchObject({
        code: 'invalid-request',
      });
    }
  });
});
