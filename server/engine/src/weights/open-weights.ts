import { readExactly, withFile } from './file-bytes.ts';
import { identify } from './file-identity.ts';
import { openGguf } from './gguf/gguf.ts';
import { openSafetensors, startsAsSafetensors } from './safetensors.ts';
import { openTorchLegacy } from './torch/torch-legacy.ts';
import { openTorchZip } from './torch/torch-zip.ts';
import type { WeightSource } from './weight-source.ts';

/** The signatures, and the byte after a safetensors file's length. */
const SNIFF_BYTES = 9;

/**
 * Opens a weight file of any format that is known: safetensors, what `torch.save` writes (.ckpt, .pt, .bin, .pth), GGUF.
 * The format is told from the content alone, and a reader that fails is not followed by another.
 * @throws EngineError `model-not-found`, or `model-invalid` that says what the file is or what is wrong with it.
 */
export async function openWeights(path: string): Promise<WeightSource> {
  const { sizeBytes } = await identify(path); // of a regular file, so that reading it ends
  const start = await withFile(path, (file) =>
    readExactly(file, 0, Math.min(Number(sizeBytes), SNIFF_BYTES)),
  );
  return readerFor(start)(path);
}

function readerFor(start: Uint8Array): (path: string) => Promise<WeightSource> {
  if (startsAsSafetensors(start)) return openSafetensors;
  const text = new TextDecoder('latin1').decode(start);
  if (text.startsWith('PK\u0003\u0004')) return openTorchZip;
  if (text.startsWith('GGUF')) return openGguf;
  // PROTO with a version: what every pickle of torch begins with.
  if (start[0] === 0x80 && (start[1] ?? 0) >= 2 && (start[1] ?? 0) <= 5) return openTorchLegacy;
  return openSafetensors; // says what else the file is
}
