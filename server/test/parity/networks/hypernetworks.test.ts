import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Latents } from '../../../engine/src/diffusion/latents.ts';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import { openHypernetwork } from '../../../engine/src/families/open-hypernetwork.ts';
import { writeCheckpoints } from '../../fixtures/networks/write-checkpoints.mjs';
import { Comparison, fixture } from '../report/measure.ts';
import { TOLERANCE } from './agreement.ts';
import { openReferences, type References } from './tensors.ts';

// The reference is torch 2.13.0 and diffusers 0.42.1 in float64: see make_fixtures.py.
const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url));

const compared = new Comparison(
  'Changes to a checkpoint',
  'Hypernetwork, UNet with it',
  fixture("webui's rules over diffusers 0.42.1, float64"),
);

let folder: string;
let inputs: References;
let expected: References;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-hypernetworks-'));
  await writeCheckpoints(folder);
  inputs = await openReferences(join(FIXTURES, 'networks/expected.safetensors'));
  expected = await openReferences(join(FIXTURES, 'hypernetworks/expected.safetensors'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const opened = (name: string) => openHypernetwork(join(FIXTURES, `hypernetworks/${name}.pt`));

describe('a hypernetwork', () => {
  it.each(['plain', 'normed', 'open-ended', 'swish'])(
    'that is %s changes keys and values as in the reference, at any strength',
    async (name) => {
      const model = await openCheckpoint(join(folder, 'linear.safetensors'), {
        threads: 1,
        hypernetworks: [{ hypernetwork: await opened(name), strength: 1 }],
      });
      const run = async (): Promise<Latents> => {
        const context = inputs.floats('linear.unet.0.context').data;
        return model.predict(inputs.planes('linear.unet.0.sample'), 500, {
          data: context,
          dims: [1, 77, 32],
        });
      };
      const [applied] = model.hypernetworks;
      for (const strength of ['1.0', '0.4']) {
        applied!.strength.value = Number(strength);
        const { data } = await run();
        compared.close(data, expected.floats(`${name}@${strength}`).data, TOLERANCE.unet);
      }
      applied!.strength.value = 0;
      const { data } = await run();
      compared.close(data, inputs.floats('linear.unet.0.out').data, TOLERANCE.unet);
      await model.dispose();
    },
  );

  it('for attentions of other widths is refused', async () => {
    const uses = [{ hypernetwork: await opened('swish'), strength: 1 }];
    await expect(openCheckpoint(join(folder, 'levels.safetensors'), { hypernetworks: uses })).rejects.toThrow(
      '"swish.pt" changes sources of attention 32 wide; "levels.safetensors" has',
    );
  });
});
