import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Tokenizer } from '../prompt/tokenizer.ts';

/** Reached from src/pipelines as well as from dist/pipelines. */
const MERGES = new URL('../../src/prompt/data/clip-merges.bin.gz', import.meta.url);

let tokenizer: Promise<Tokenizer> | null = null;

/** The tokenizer of all CLIP text encoders; read once, 167 kB. */
export function clipTokenizer(): Promise<Tokenizer> {
  tokenizer ??= readTokenizer().catch((error: unknown) => {
    tokenizer = null;
    throw error;
  });
  return tokenizer;
}

async function readTokenizer(): Promise<Tokenizer> {
  const bytes = await promisify(gunzip)(await readFile(MERGES));
  const merges = new Uint16Array(bytes.length / 2);
  merges.forEach((_, i) => (merges[i] = bytes.readUInt16LE(2 * i)));
  return new Tokenizer(merges);
}
