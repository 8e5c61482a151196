import { readFileSync } from 'node:fs';
import { openSafetensors } from '../../../engine/src/weights/safetensors.ts';

/** Reference tensors of a file, by name; asking for one that is not there fails the test. */
export interface References {
  readonly metadata: ReadonlyMap<string, string>;
  readonly names: readonly string[];
  floats(name: string): { data: Float32Array; dims: number[] };
  /** dims as latents have them. */
  planes(name: string): { data: Float32Array; dims: [number, number, number, number] };
  ids(name: string): Int32Array;
}

export async function openReferences(path: string): Promise<References> {
  const { tensors, metadata } = await openSafetensors(path);
  const bytes = readFileSync(path);
  const raw = (name: string, dtype: string): { buffer: ArrayBuffer; shape: readonly number[] } => {
    const tensor = tensors.get(name);
    if (tensor?.dtype !== dtype) throw new Error(`${path} has no ${dtype} tensor ${name}`);
    const { buffer } = Uint8Array.from(bytes.subarray(tensor.offset, tensor.offset + tensor.byteLength));
    return { buffer, shape: tensor.shape };
  };
  const floats = (name: string): { data: Float32Array; dims: number[] } => {
    const { buffer, shape } = raw(name, 'F32');
    return { data: new Float32Array(buffer), dims: [...shape] };
  };
  return {
    metadata,
    names: [...tensors.keys()],
    floats,
    planes: (name) => {
      const { data, dims } = floats(name);
      const [batch = 0, channels = 0, height = 0, width = 0] = dims;
      return { data, dims: [batch, channels, height, width] };
    },
    ids: (name) => new Int32Array(raw(name, 'I32').buffer),
  };
}
