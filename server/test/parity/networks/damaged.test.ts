import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { inspectFile } from '../../../engine/src/families/inspect-file.ts';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import { openTaesd } from '../../../engine/src/families/open-taesd.ts';
import { openUpscaler } from '../../../engine/src/families/open-upscaler.ts';
import { writeCheckpoints } from '../../fixtures/networks/write-checkpoints.mjs';
import { countRefused, ROUNDS } from '../tampered.ts';

const UPSCALERS = fileURLToPath(new URL('../../fixtures/upscalers/', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-damaged-'));
  await writeCheckpoints(folder);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const made = (name: string): string => join(folder, `${name}.safetensors`);
const kept = (name: string): string => join(UPSCALERS, `${name}.safetensors`);
const whole = (): string => made('levels');

it.each<[string, () => string, (path: string) => Promise<unknown>]>([
  [
    'a checkpoint with 1x1 convolutions around attention',
    () => made('levels'),
    (path) => openCheckpoint(path),
  ],
  ['a checkpoint with matrices there', () => made('linear'), (path) => openCheckpoint(path)],
  ['a VAE', () => made('levels'), (path) => openCheckpoint(whole(), { vae: path })],
  ['a decoder for previews', () => made('taesd_decoder'), (path) => openTaesd(path)],
  ['an encoder beside it', () => made('taesd_encoder'), (path) => openTaesd(made('taesd_decoder'), path)],
  ['an upscaler with new names', () => kept('plus-x4'), (path) => openUpscaler(path)],
  ['an upscaler with old names', () => kept('sequential-x4'), (path) => openUpscaler(path)],
  ['a compact upscaler', () => kept('compact-x4'), (path) => openUpscaler(path)],
])('%s with a table of contents that was tampered with', async (what, file, open) => {
  const path = made('damaged');
  const bytes = readFileSync(file());
  const refused = await countRefused(bytes, path, () => open(path));
  // Of a checkpoint used as a VAE the other networks do not matter.
  expect(refused).toBeGreaterThan(what === 'a VAE' ? 5 : ROUNDS / 4);
  await countRefused(bytes, path, () => inspectFile(path));
});
