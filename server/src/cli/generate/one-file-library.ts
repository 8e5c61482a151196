import { stat } from 'node:fs/promises';
import { basename, resolve as absolute } from 'node:path';
import { AppError } from '../../errors.ts';
import type { FoundFile } from '../../library/found-file.ts';
import type { Inspector } from '../../library/inspector/inspector.ts';
import type { Library, UsableModel } from '../../library/library.ts';
import { modelView } from '../../library/model-view.ts';
import { withoutSuffix } from '../../library/scan-folder.ts';

/** A library whose only model is the file, or the folder, at this path, wherever it lies; null if there is none. */
export async function oneFileLibrary(path: string, inspector: Inspector): Promise<Library | null> {
  const facts = await stat(path).catch(() => null);
  const isFolder = facts?.isDirectory() === true;
  if (facts === null || !(facts.isFile() || isFolder)) return null;
  const file: FoundFile = {
    name: withoutSuffix(basename(path)),
    fileName: basename(path),
    path: absolute(path),
    sizeBytes: facts.size,
    modifiedMs: facts.mtimeMs,
    isFolder,
    identity: path,
    problem: null,
  };
  const hash = isFolder ? Promise.resolve(null) : inspector.hash(path, facts.size);
  const resolve = async (): Promise<UsableModel> => {
    const answer = await inspector.inspect(path);
    if ('card' in answer) return { view: modelView(file, answer, undefined), path: absolute(path) };
    const { detail, hint } =
      'problem' in answer ? answer.problem : { detail: 'It cannot be read.', hint: null };
    throw new AppError('model-invalid', {
      detail: `${path} cannot be used: ${detail}`,
      ...(hint === null ? {} : { hint }),
    });
  };
  return {
    resolve,
    list: async () => [(await resolve()).view],
    shortHash: async () => (await hash)?.slice(0, 10) ?? null,
    close: () => inspector.close(),
  };
}
