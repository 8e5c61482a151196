import { opendir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { EngineError } from '../errors.ts';
import { inspectFile, type InspectedFile } from './inspect-file.ts';

/** A file of weights that was found, or what is wrong with it. */
export type ListedModel =
  ({ readonly path: string } & InspectedFile) | { readonly path: string; readonly problem: EngineError };

/** Suffixes that people give to weights. They decide what is looked at, not what a file is. */
const SUFFIXES = new Set(['.safetensors', '.ckpt', '.pt', '.pth', '.bin', '.gguf']);
/** Bounds on a folder that was chosen by mistake, such as a whole home folder. */
const MAX_DEPTH = 16;
const MAX_FILES = 10_000;
/** A folder with one of these is a model as a whole. */
const FOLDER_MARKS = ['model_index.json', 'config.json'];

/**
 * Finds the models below a folder and says what each is: files of weights, and folders in diffusers' layout, which count as
 * one. Links to folders are not followed. Listed in the order of names; a broken file is listed with its problem.
 * @throws EngineError `model-not-found` if there is no such folder
 */
export async function* listModels(folder: string): AsyncGenerator<ListedModel, void> {
  const facts = await stat(folder).catch(() => null);
  if (facts?.isDirectory() !== true) {
    throw new EngineError('model-not-found', 'There is no such folder of models.', {
      hint: 'Check the name of the folder.',
    });
  }
  let files = 0;
  for await (const path of pathsBelow(folder, 0)) {
    files += 1;
    if (files > MAX_FILES) return;
    yield await listed(path);
  }
}

async function listed(path: string): Promise<ListedModel> {
  try {
    return { path, ...(await inspectFile(path)) };
  } catch (error) {
    if (error instanceof EngineError) return { path, problem: error };
    throw error;
  }
}

async function* pathsBelow(folder: string, depth: number): AsyncGenerator<string, void> {
  const files: string[] = [];
  const folders: string[] = [];
  for await (const entry of await opendir(folder)) {
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) folders.push(entry.name);
    else files.push(entry.name);
  }
  if (depth > 0 && FOLDER_MARKS.some((mark) => files.includes(mark))) {
    yield folder;
    return;
  }
  for (const name of files.sort()) {
    if (SUFFIXES.has(extname(name).toLowerCase())) yield join(folder, name);
  }
  if (depth >= MAX_DEPTH) return;
  for (const name of folders.sort()) yield* pathsBelow(join(folder, name), depth + 1);
}
