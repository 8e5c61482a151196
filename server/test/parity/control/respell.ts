import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ldmToDiffusersUnet } from '../../../engine/src/naming/unet-names.ts';

/** Names of a ControlNet as diffusers spells them; which they are is checked against its converters in naming.test.ts. */
export function controlToDiffusers(names: Iterable<string>): Map<string, string> {
  return ldmToDiffusersUnet(names);
}

/** Names of a T2I-Adapter with two blocks a level as diffusers spells them. */
export function adapterToDiffusers(names: Iterable<string>, isLight: boolean): Map<string, string> {
  return new Map(
    [...names].map((name) => {
      const [, index = '', rest = ''] = /^body\.(\d)\.(.+)$/.exec(name) ?? [];
      if (index === '') return [name, `adapter.${name}`];
      if (isLight) return [name, `adapter.body.${index}.${rest.replace(/^body\./, 'resnets.')}`];
      const level = Math.floor(Number(index) / 2);
      const isIn = rest.startsWith('in_conv');
      return [name, `adapter.body.${level}.${isIn ? rest : `resnets.${Number(index) % 2}.${rest}`}`];
    }),
  );
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
