import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTaesd } from '../../../engine/src/families/open-taesd.ts';
import { safetensorsBytes } from '../../../engine/src/weights/safetensors-bytes.ts';
import { openSafetensors } from '../../../engine/src/weights/safetensors.ts';
import { writeCheckpoints } from '../../fixtures/networks/write-checkpoints.mjs';
import { goldenPath, hasGoldens } from '../diffusion/goldens.ts';
import { fixture, golden } from '../report/measure.ts';
import { comparisonsOf, expectTaesdAgrees } from './agreement.ts';
import { openReferences, type References } from './tensors.ts';

// The reference is diffusers 0.42.1 in float64: see make_fixtures.py.
const EXPECTED = fileURLToPath(new URL('../../fixtures/networks/expected.safetensors', import.meta.url));
const NAMES = {
  image: 'taesd.image',
  encoded: 'taesd.encoded',
  latents: 'taesd.latents',
  decoded: 'taesd.decoded',
};

const own = comparisonsOf('TAESD', fixture('diffusers 0.42.1, float64'));
const kept = comparisonsOf('TAESD', golden('diffusers 0.42.1'));

let folder: string;
let references: References;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-taesd-'));
  await writeCheckpoints(folder);
  references = await openReferences(EXPECTED);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Both parts in one file, under other names. */
async function bundle(
  name: string,
  rename: (part: string, number: number, rest: string) => string,
): Promise<string> {
  const entries: Record<string, unknown> = {};
  const data: Uint8Array[] = [];
  let at = 0;
  for (const part of ['encoder', 'decoder']) {
    const path = join(folder, `taesd_${part}.safetensors`);
    const bytes = readFileSync(path);
    for (const [key, { dtype, shape, offset, byteLength }] of (await openSafetensors(path)).tensors) {
      const [, number, rest] = /^(\d+)\.(.*)$/.exec(key)!;
      entries[rename(part, Number(number), rest!)] = { dtype, shape, data_offsets: [at, at + byteLength] };
      data.push(bytes.subarray(offset, offset + byteLength));
      at += byteLength;
    }
  }
  const file = join(folder, name);
  writeFileSync(file, safetensorsBytes({ header: JSON.stringify(entries), data: Buffer.concat(data) }));
  return file;
}

describe('TAESD in one file', () => {
  it('is read as diffusers names it, where the clamp is not counted', async () => {
    const file = await bundle('diffusers.safetensors', (part, number, rest) =>
      part === 'encoder' ? `encoder.layers.${number}.${rest}` : `decoder.layers.${number - 1}.${rest}`,
    );
    const taesd = await openTaesd(file, undefined, { threads: 1 });
    await expectTaesdAgrees(taesd, references, NAMES, own);
    await taesd.dispose();
  });

  it('is read with its parts as prefixes', async () => {
    const file = await bundle('both.safetensors', (part, number, rest) => `taesd_${part}.${number}.${rest}`);
    const taesd = await openTaesd(file, undefined, { threads: 1 });
    await expectTaesdAgrees(taesd, references, NAMES, own);
    await taesd.dispose();
  });
});

describe.skipIf(!hasGoldens)('the tiny TAESD as torch saved it', () => {
  it('computes what the reference computes', async () => {
    const goldens = await openReferences(goldenPath('families/sd1/taesd.safetensors'));
    const taesd = await openTaesd(
      goldenPath('checkpoints/tiny-taesd_decoder.pth'),
      goldenPath('checkpoints/tiny-taesd_encoder.safetensors'),
      { threads: 1 },
    );
    const indices = goldens.names.filter((name) => name.endsWith('.z')).map((name) => name.slice(0, -2));
    expect(indices.length).toBeGreaterThan(0);
    for (const index of indices) {
      const names = {
        image: `${index}.image`,
        encoded: `${index}.latents`,
        latents: `${index}.z`,
        decoded: `${index}.decoded`,
      };
      await expectTaesdAgrees(taesd, goldens, names, kept);
    }
    await taesd.dispose();
  });
});
