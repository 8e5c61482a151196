import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { GenerationSettings } from '@atelier/contract';
import { infotext } from '../../gallery/infotext.ts';
import { withText } from '../../gallery/png.ts';
import type { DrawnPicture } from './draw-pictures.ts';

/** File of each picture: several get a number before the suffix. `-` is standard output. */
export function outputFiles(output: string | null, seed: number, pictures: number): string[] {
  const named = output ?? `atelier-${seed}.png`;
  if (named === '-' || pictures === 1) return Array.from({ length: pictures }, () => named);
  const suffix = extname(named);
  const stem = join(dirname(named), basename(named, suffix));
  return Array.from({ length: pictures }, (_, index) => `${stem}-${index + 1}${suffix}`);
}

interface TextFacts {
  settings: GenerationSettings;
  modelHash: string | null;
  version: string;
}

/** Writes a picture with its `parameters` text, whole or not at all. */
export async function savePicture(file: string, picture: DrawnPicture, facts: TextFacts): Promise<void> {
  const { seed, schedule } = picture;
  const png = withText(picture.png, 'parameters', infotext({ ...facts, seed, schedule }));
  if (file === '-') return writeToStandardOutput(png);
  const draft = join(dirname(file), `.${randomUUID()}.tmp`);
  try {
    await writeFile(draft, png, { flag: 'wx' });
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

function writeToStandardOutput(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => (error == null ? resolve() : reject(error)));
  });
}
