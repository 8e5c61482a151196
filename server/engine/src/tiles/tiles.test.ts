import { describe, expect, it } from 'vitest';
import { weightsOf } from './blend.ts';
import { mapTiles } from './map-tiles.ts';
import { padded, trimmed } from './padding.ts';
import { runStages, type RunStage, type TiledStage } from './run-stages.ts';
import { crop, partition, spansOf, type TilePlanes } from './tiling.ts';

function planes(channels: number, height: number, width: number): TilePlanes {
  const length = channels * height * width;
  return { data: Float32Array.from({ length }, (_, i) => Math.sin(i * 1.7) + 2), channels, height, width };
}

async function result<Value>(work: AsyncGenerator<unknown, Value>): Promise<Value> {
  for (;;) {
    const next = await work.next();
    if (next.done === true) return next.value;
  }
}

/** Sum of each 3x3 neighbourhood; zeros outside, as convolutions have them. */
function boxSum({ data, channels, height, width }: TilePlanes): TilePlanes {
  const at = (channel: number, row: number, column: number): number =>
    row < 0 || column < 0 || row >= height || column >= width
      ? 0
      : data[(channel * height + row) * width + column]!;
  const sums = data.map((_, index) => {
    const column = index % width;
    const row = Math.floor(index / width) % height;
    const channel = Math.floor(index / width / height);
    let sum = 0;
    for (const dy of [-1, 0, 1]) for (const dx of [-1, 0, 1]) sum += at(channel, row + dy, column + dx);
    return sum;
  });
  return { data: sums, channels, height, width };
}

describe('spans', () => {
  it('cover a line without gaps, share what they are asked to, and are no longer than a tile', () => {
    for (let length = 1; length < 90; length += 1) {
      for (const [tile, overlap] of [
        [8, 0],
        [8, 3],
        [16, 8],
        [32, 31],
      ] as const) {
        const spans = spansOf(length, tile, overlap);
        expect(spans[0]!.start).toBe(0);
        expect(spans.at(-1)!.start + spans.at(-1)!.length).toBe(length);
        spans.forEach((span, index) => {
          expect(span.length).toBeLessThanOrEqual(tile);
          const before = spans[index - 1];
          if (before) expect(before.start + before.length - span.start).toBeGreaterThanOrEqual(overlap);
        });
      }
    }
  });

  it('cannot overlap wholly', () => {
    expect(() => spansOf(100, 8, 8)).toThrow(RangeError);
  });

  it('as a partition touch and do not overlap', () => {
    for (let length = 2; length < 90; length += 2) {
      const spans = partition(length, 12, 2);
      let at = 0;
      for (const span of spans) {
        expect(span.start).toBe(at);
        expect(span.length % 2).toBe(0);
        expect(span.length).toBeLessThanOrEqual(12);
        at += span.length;
      }
      expect(at).toBe(length);
    }
  });
});

describe('weights', () => {
  it('of all tiles add up to 1 everywhere, and are never negative', () => {
    for (let length = 20; length < 120; length += 1) {
      for (const feather of [0, 1, 6, 8]) {
        const spans = spansOf(length, 20, 8);
        const sums = new Float64Array(length);
        spans.forEach((span, index) => {
          weightsOf(spans, index, feather).forEach((weight, place) => {
            expect(weight).toBeGreaterThanOrEqual(0);
            sums[span.start + place]! += weight;
          });
        });
        for (const sum of sums) expect(sum).toBeCloseTo(1, 6);
      }
    }
  });
});

describe('mapTiles', () => {
  it('gives back what went in when a tile is left as it is', async () => {
    for (const feather of [0, 4]) {
      const whole = planes(3, 37, 53);
      const mapped = await result(
        mapTiles(whole, { tile: 16, overlap: 4, feather, scale: 1 }, (tile) => Promise.resolve(tile)),
      );
      mapped.data.forEach((value, index) => expect(value).toBeCloseTo(whole.data[index]!, 5));
    }
  });

  it('is exact with a hard cut where the overlap is twice the reach', async () => {
    const whole = planes(2, 40, 31);
    const tiling = { tile: 12, overlap: 2, scale: 1 };
    const mapped = await result(mapTiles(whole, tiling, async (tile) => boxSum(tile)));
    expect(mapped.data).toEqual(boxSum(whole).data);
  });

  it('says so when a tile comes back in another size', async () => {
    const work = result(mapTiles(planes(1, 9, 9), { tile: 9, overlap: 0, scale: 2 }, async (tile) => tile));
    await expect(work).rejects.toThrow('A tile of 9x9 became 9x9; expected 2 times that.');
  });

  it('counts its tiles', async () => {
    const seen: string[] = [];
    const work = mapTiles(planes(1, 10, 20), { tile: 10, overlap: 0, scale: 1 }, async (tile) => tile);
    for await (const { tile, tiles } of work) seen.push(`${tile}/${tiles}`);
    expect(seen).toEqual(['1/2', '2/2']);
  });
});

describe('padding', () => {
  it('mirrors, and is taken off again', () => {
    const whole = planes(2, 5, 7);
    const more = padded(whole, 4);
    expect([more.height, more.width]).toEqual([8, 8]);
    expect(more.data[7]).toBe(whole.data[5]);
    expect(more.data[8 * 5]).toBe(whole.data[7 * 3]);
    expect(trimmed(more, 5, 7)).toEqual(whole);
  });

  it('of a single pixel repeats it', () => {
    const pixel = { data: Float32Array.of(3), channels: 1, height: 1, width: 1 };
    expect([...padded(pixel, 4).data]).toEqual(new Array(16).fill(3));
  });
});

describe('runStages', () => {
  const base = { reads: ['x'], margin: 1, writes: ['x'], overwrites: [], forgets: [], frees: [], scale: 1 };

  it('is what stages make of the whole: neighbourhoods, statistics of everything, another size, in place', async () => {
    const stages: TiledStage[] = [
      base,
      { ...base, writes: ['inner'], norm: { planes: 'x', groups: 32 } },
      {
        ...base,
        reads: ['inner', 'x'],
        norm: { planes: 'inner', groups: 32 },
        overwrites: ['x'],
        frees: ['inner'],
      },
      { ...base, margin: 2, scale: 0.5 },
      { ...base, writes: ['seen'], forgets: ['seen'] },
      { ...base, norm: { planes: 'seen', groups: 32 } },
    ];
    const run: RunStage<TiledStage> = async (stage, inputs, statistics) => {
      const x = boxSum(inputs.get(stage.reads[0]!)!);
      const skip = inputs.get('x')!;
      const data = x.data.map((value, index) => {
        const channel = Math.floor(index / x.height / x.width);
        const [mean, variance] = [statistics?.[channel] ?? 0, statistics?.[32 + channel] ?? 1];
        const normed = (value - mean) / Math.sqrt(variance + 1);
        return stage.reads.length > 1 ? normed + skip.data[index]! : normed;
      });
      const full = { ...x, data };
      return new Map([[stage.writes[0]!, stage.scale === 0.5 ? everySecond(full) : full]]);
    };
    const start = planes(32, 24, 36);
    const whole = await result(runStages(stages, start, 1000, run));
    const tiled = await result(runStages(stages, start, 7, run));
    expect([tiled.channels, tiled.height, tiled.width]).toEqual([32, 12, 18]);
    tiled.data.forEach((value, index) => expect(value).toBeCloseTo(whole.data[index]!, 4));
  });

  it('leaves what it was given as it is', async () => {
    const start = planes(32, 8, 8);
    const before = start.data.slice();
    await result(
      runStages([base], start, 4, async (_, inputs) => new Map([['x', boxSum(inputs.get('x')!)]])),
    );
    expect(start.data).toEqual(before);
  });

  it('stops when nobody asks for more', async () => {
    let runs = 0;
    const run: RunStage<TiledStage> = async (_, inputs) => {
      runs += 1;
      return inputs;
    };
    for await (const { tile } of runStages([base, base], planes(32, 16, 16), 8, run)) if (tile === 5) break;
    expect(runs).toBe(5);
  });
});

function everySecond(full: TilePlanes): TilePlanes {
  const parts: number[] = [];
  for (let channel = 0; channel < full.channels; channel += 1) {
    for (let row = 0; row < full.height; row += 2) {
      const line = crop(full, { start: row, length: 1 }, { start: 0, length: full.width }).data;
      for (let column = 0; column < full.width; column += 2) parts.push(line[channel * full.width + column]!);
    }
  }
  return {
    data: Float32Array.from(parts),
    channels: full.channels,
    height: Math.ceil(full.height / 2),
    width: Math.ceil(full.width / 2),
  };
}
