import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { colourCorrected } from './colour-correction.ts';
import type { RgbImage } from './image.ts';
import { labOf, rgbOf } from './lab.ts';

// Reference: OpenCV 5.0.0, scikit-image 0.26.0, blendmodes 2022; see make_colour_fixtures.py.
interface Stored {
  data: string;
  width: number;
  height: number;
}
type Case = Record<'drawn' | 'target' | 'lab' | 'back' | 'result', Stored>;
const url = new URL('../../../test/fixtures/pixels/colours.json', import.meta.url);
const cases = JSON.parse(readFileSync(url, 'utf8')) as Case[];

const read = ({ data, width, height }: Stored): RgbImage => ({
  data: new Uint8Array(Buffer.from(data, 'base64')),
  width,
  height,
});
const differences = (first: Uint8Array, second: Uint8Array) =>
  Array.from(first, (value, i) => Math.abs(value - second[i]!));
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe.each(cases)('colours, picture %#', (one) => {
  const [drawn, target] = [read(one.drawn), read(one.target)];

  it('become L*a*b* as in OpenCV', () => {
    const apart = differences(labOf(drawn.data), read(one.lab).data);
    expect(Math.max(...apart)).toBeLessThanOrEqual(1);
    expect(mean(apart)).toBeLessThan(0.001);
  });

  it('come back from L*a*b*, where OpenCV counts in fixed point', () => {
    const apart = differences(rgbOf(read(one.lab).data), read(one.back).data);
    expect(Math.max(...apart)).toBeLessThanOrEqual(2);
    expect(mean(apart)).toBeLessThan(0.1);
  });

  it('are corrected as in the webui', () => {
    const { data, width, height } = colourCorrected(drawn, target);
    expect([width, height]).toEqual([drawn.width, drawn.height]);
    const apart = differences(data, read(one.result).data);
    expect(Math.max(...apart)).toBeLessThanOrEqual(3);
    expect(mean(apart)).toBeLessThan(0.3);
  });

  it('hardly change where they are already right', () => {
    expect(mean(differences(colourCorrected(drawn, drawn).data, drawn.data))).toBeLessThan(1);
  });
});

it('keeps the luminosity of what was drawn', () => {
  const [drawn, target] = [read(cases[0]!.drawn), read(cases[0]!.target)];
  const { data } = colourCorrected(drawn, target);
  const light = (pixels: Uint8Array, i: number) =>
    0.299 * pixels[i]! + 0.587 * pixels[i + 1]! + 0.114 * pixels[i + 2]!;
  for (let i = 0; i < data.length; i += 3) {
    expect(Math.abs(light(data, i) - light(drawn.data, i))).toBeLessThan(1.01);
  }
});
