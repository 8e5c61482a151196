import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LazyNetwork } from '../../../engine/src/families/lazy-network.ts';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import { TiledDecoder, TiledEncoder } from '../../../engine/src/families/tiled-vae-runner.ts';
import { vaeDecoder, vaeEncoder } from '../../../engine/src/networks/vae.ts';
import { SessionCache } from '../../../engine/src/onnx/session-cache.ts';
import { Session } from '../../../engine/src/onnx/session.ts';
import { openSafetensors } from '../../../engine/src/weights/safetensors.ts';
import { Weights } from '../../../engine/src/weights/weights.ts';
import { writeCheckpoints } from '../../fixtures/networks/write-checkpoints.mjs';
import { maxDifference } from '../diffusion/goldens.ts';
import { fixture } from '../report/measure.ts';
import { comparisonsOf, expectDecoderAgrees, expectEncoderAgrees, TOLERANCE } from './agreement.ts';
import { openReferences, type References } from './tensors.ts';

// The reference is diffusers 0.42.1 in float64, of the whole picture: see make_fixtures.py.
const EXPECTED = fileURLToPath(new URL('../../fixtures/networks/expected.safetensors', import.meta.url));
const compared = comparisonsOf('in tiles, against the whole', fixture('diffusers 0.42.1, float64'));
const SCALE = 0.18215;
const OPTIONS = { threads: 1 };

let folder: string;
let references: References;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-tiled-'));
  await writeCheckpoints(folder);
  references = await openReferences(EXPECTED);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function vaeOf(name: string): Promise<Weights> {
  return new Weights(await openSafetensors(join(folder, `${name}.safetensors`))).under('first_stage_model');
}

async function finish<Value>(work: AsyncGenerator<unknown, Value>): Promise<{ value: Value; tiles: number }> {
  for (let tiles = 0; ; tiles += 1) {
    const next = await work.next();
    if (next.done === true) return { value: next.value, tiles };
  }
}

describe.each(['levels', 'linear'])('the VAE of "%s" in tiles', (name) => {
  it('decodes to the picture of the whole', async () => {
    const scaled = references.planes(`${name}.vae.latents`);
    const expected = references.planes(`${name}.vae.decoded`);
    const latents = { data: scaled.data.map((value) => value / SCALE), dims: scaled.dims };
    const decoder = new TiledDecoder(await vaeOf(name), OPTIONS);
    const { value, tiles } = await finish(decoder.decode(latents, 16));
    expect(tiles).toBeGreaterThan(decoder.model.stages.length); // more than one for some
    expect([1, 3, value.height, value.width]).toEqual(expected.dims);
    compared.decode.close(value.data, expected.data, TOLERANCE.decode);
    await decoder.dispose();
  });

  it('encodes to the posterior of the whole', async () => {
    const image = references.planes(`${name}.vae.image`);
    const [, , height, width] = image.dims;
    const encoder = new TiledEncoder(await vaeOf(name), OPTIONS);
    const { value } = await finish(encoder.encode({ data: image.data, height, width }, 16));
    for (const part of ['mean', 'logvar'] as const) {
      const expected = references.planes(`${name}.vae.${part}`);
      expect(value[part].dims).toEqual(expected.dims);
      compared.encode.close(value[part].data, expected.data, TOLERANCE.encode);
    }
    await encoder.dispose();
  });

  it('keeps less in memory than the whole at once', async () => {
    const vae = await vaeOf(name);
    const decoder = new TiledDecoder(vae, OPTIONS);
    const encoder = new TiledEncoder(vae, OPTIONS);
    expect(decoder.model.keptBytesPerLatent).toBeLessThanOrEqual(vaeDecoder(vae).runBytesPerLatent / 2);
    expect(encoder.model.keptBytesPerLatent).toBeLessThanOrEqual(vaeEncoder(vae).runBytesPerLatent / 2);
    await Promise.all([decoder.dispose(), encoder.dispose()]);
  });

  it('stops between tiles when nobody asks for more', async () => {
    const decoder = new TiledDecoder(await vaeOf(name), OPTIONS);
    const latents = { data: new Float32Array(4 * 64).fill(0.5), dims: [1, 4, 8, 8] as const };
    let seen = 0;
    for await (const { tile, tiles } of decoder.decode(latents, 16)) {
      seen = tile;
      expect(tiles).toBeGreaterThan(3);
      if (tile === 3) break;
    }
    expect(seen).toBe(3);
    await decoder.dispose();
  });
});

describe('a checkpoint whose VAE may take next to no memory', () => {
  it('draws and reads pictures in tiles, to the same result', async () => {
    const cache = new SessionCache();
    const options = { ...OPTIONS, cache };
    const path = join(folder, 'linear.safetensors');
    const model = await openCheckpoint(path, { ...options, vaeBytes: 1 });
    const names = { latents: 'linear.vae.latents', decoded: 'linear.vae.decoded' };
    await expectDecoderAgrees(model, references, names, compared);
    await expectEncoderAgrees(model, references, 'linear.vae', compared);
    const vae = await vaeOf('linear');
    for (const [name, network] of [
      ['VAE decoder', vaeDecoder(vae)],
      ['VAE encoder', vaeEncoder(vae)],
    ] as const) {
      expect(new LazyNetwork(name, network, [vae.source], options).loadBytes).toBeGreaterThan(0); // not in the cache
    }
    await model.dispose();
    await cache.dispose();
  });
});

describe('activations beyond what fp16 can hold', () => {
  it('stay finite: weights may be fp16, what flows through the network is fp32', async () => {
    const vae = await vaeOf('levels'); // stored as fp16
    const session = await Session.open('VAE decoder', vaeDecoder(vae), OPTIONS);
    const picture = async (size: number): Promise<Float32Array> => {
      const data = Float32Array.from({ length: 4 * 6 * 5 }, (_, index) => size * Math.sin(index * 2.1));
      return (await session.runOne({ latents: { data, dims: [1, 4, 6, 5] } }, 'pixels')).data;
    };
    // fp16 ends at 65504. Group norms make so large inputs a matter of direction only, so both give one picture.
    const [large, larger] = [await picture(1e7), await picture(1e8)];
    const spread = Math.max(...large) - Math.min(...large);
    expect(spread).toBeGreaterThan(0.1);
    expect(maxDifference(large, larger)).toBeLessThan(1e-3 * spread);
    await session.dispose();
  });
});
