import { readFile, stat } from 'node:fs/promises';
import { join, parse as parsePath } from 'node:path';
import { parse } from 'yaml';

const MAX_CONFIG_BYTES = 256 * 1024;

/** What a configuration says under a key, whatever that may be; undefined if it says nothing. */
export type Params = (key: string) => unknown;

const NOTHING: Params = () => undefined;

/**
 * The `params` of the `model` in the configuration of the original code that may lie beside a file (`name.yaml`). What is
 * malformed or too long counts as not there: it is a hint, and the file itself may still be good.
 */
export async function readSideCar(path: string): Promise<Params> {
  const { dir, name } = parsePath(path);
  const file = join(dir, `${name}.yaml`);
  try {
    const facts = await stat(file);
    if (!facts.isFile() || facts.size > MAX_CONFIG_BYTES) return NOTHING;
    const config: unknown = parse(await readFile(file, 'utf8'), { maxAliasCount: 100 });
    const params = field(field(config, 'model'), 'params');
    return (key) => field(params, key);
  } catch {
    return NOTHING;
  }
}

function field(object: unknown, key: string): unknown {
  if (typeof object !== 'object' || object === null || !Object.hasOwn(object, key)) return undefined;
  return (object as Record<string, unknown>)[key];
}
