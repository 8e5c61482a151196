import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ldmToDiffusersUnet } from '../../../engine/src/naming/unet-names.ts';

/** Names of a ControlNet as diffusers spells them; which they are is checked against its converters in naming.test.ts. */
export function toDiffusers(names: Iterable<string>): Map<string, string> {
  return ldmToDiffusersUnet(names);
}

/** Copies a safetensors file with the tensors under other names. */
export async function copyRenamed(
  from: string,
  to: string,
  names: ReadonlyMap<string, string>,
): Promise<void> {
  const bytes = await readFile(from);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<string, unknown>;
  const renamed = Object.fromEntries(
    Object.entries(header).map(([name, value]) => {
      const other = name === '__metadata__' ? name : names.get(name);
      if (other === undefined) throw new Error(`There is no other name for ${name}.`);
      return [other, value];
    }),
  );
  const text = Buffer.from(JSON.stringify(renamed));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(text.length));
  await mkdir(dirname(to), { recursive: true });
  await writeFile(to, Buffer.concat([prefix, text, bytes.subarray(8 + length)]));
}
