import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openAdapter } from '../../../engine/src/families/open-adapter.ts';
import { openClipVision } from '../../../engine/src/families/open-clip-vision.ts';
import { openControlNet } from '../../../engine/src/families/open-control.ts';
import { openImagePrompt } from '../../../engine/src/families/open-image-prompt.ts';
import { writeControls } from '../../fixtures/control/write-controls.mjs';
import { countRefused, ROUNDS } from '../tampered.ts';

// Tables of contents that are valid, of networks that are not: every one ends in a network or in a named error.

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-damaged-'));
  await writeControls(folder);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const pathOf = (name: string): string => join(folder, `${name}.safetensors`);

const openers: Record<string, (path: string) => Promise<unknown>> = {
  'one-control': (path) => openControlNet(path),
  'xl-control-lora': (path) => openControlNet(path, { base: pathOf('xl') }),
  'two-difference': (path) => openControlNet(path, { base: pathOf('two') }),
  'light-adapter': (path) => openAdapter(path),
  'xl-adapter': (path) => openAdapter(path),
  'one-plain': (path) => openImagePrompt(path, pathOf('vision')),
  'xl-plus': (path) => openImagePrompt(path, pathOf('open-vision')),
  vision: (path) => openClipVision(path, {}),
  'open-vision': (path) => openClipVision(path, {}),
};

it.each(Object.keys(openers))('%s with a table of contents that was tampered with', async (name) => {
  const path = pathOf('damaged');
  const refused = await countRefused(readFileSync(pathOf(name)), path, () => openers[name]!(path));
  expect(refused).toBeGreaterThan(ROUNDS / 4);
});
