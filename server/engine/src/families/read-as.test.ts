import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { floatsFile } from '../weights/safetensors-bytes.ts';
import { openAdapter } from './open-adapter.ts';
import { openControlNet } from './open-control.ts';
import { openEmbedding } from './open-embedding.ts';
import { openHypernetwork } from './open-hypernetwork.ts';
import { openImagePrompt } from './open-image-prompt.ts';
import { openLora } from './open-lora.ts';
import { openTaesd } from './open-taesd.ts';
import { openUpscaler } from './open-upscaler.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-read-as-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function write(name: string, tensors: readonly string[]): string {
  const path = join(folder, name);
  const one = { shape: [1], values: [0] };
  writeFileSync(path, floatsFile(Object.fromEntries(tensors.map((tensor) => [tensor, one]))));
  return path;
}

describe('a file that was taken for another says what it looks like', () => {
  it.each([
    ['a LoRA', openLora],
    ['a ControlNet', openControlNet],
    ['a T2I-Adapter', openAdapter],
    ['an IP-Adapter', (path: string) => openImagePrompt(path, path)],
    ['an embedding (textual inversion)', openEmbedding],
    ['a hypernetwork', openHypernetwork],
    ['a TAESD network', openTaesd],
    ['an upscaler', openUpscaler],
  ])('opened as %s', async (wanted, open) => {
    const path = write('x.safetensors', ['decoder.conv_in.weight', 'decoder.mid.block_1.norm1.weight']);
    await expect(open(path)).rejects.toMatchObject({
      code: 'model-invalid',
      message: `"x.safetensors" is not ${wanted}: it looks like a VAE.`,
    });
  });

  it('but keeps its own message where it looks like nothing else', async () => {
    const path = write('y.safetensors', ['weight', 'bias']);
    await expect(openLora(path)).rejects.toThrow('has no LoRA');
    await expect(openControlNet(path)).rejects.toThrow('"y.safetensors" is not a ControlNet.');
  });
});
