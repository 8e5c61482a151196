import type { ModelView } from '@atelier/contract';
import { AppError } from '../errors.ts';
import { withoutSuffix } from './scan-folder.ts';

interface Listed {
  view: ModelView;
}

/** The checkpoint that comes with the project, used where a request names none. */
const STARTER = 'atelier-starter';
/** Names that a hint lists; more would not be read. */
const MAX_CHOICES = 20;

/** By name, with or without suffix, exact case before any case. */
export function findByName<T extends Listed>(all: readonly T[], name: string): T | undefined {
  const wanted = plain(name);
  return (
    all.find(({ view }) => view.name === name) ??
    all.find(({ view }) => plain(view.name) === wanted || plain(view.fileName) === wanted) ??
    all.find(({ view }) => plain(withoutSuffix(view.fileName)) === wanted)
  );
}

/** Unicode writes some letters in two ways; file systems and keyboards differ in which. */
const plain = (name: string): string => name.normalize('NFC').toLowerCase();

/** What is used without a name: the starter model, else the first that can be used. */
export function starterOrFirst<T extends Listed>(all: readonly T[]): T | undefined {
  const good = all.filter(({ view }) => view.problem === null);
  return good.find(({ view }) => view.name === STARTER) ?? good[0];
}

export const usable = (all: readonly Listed[]): string[] =>
  all
    .filter(({ view }) => view.problem === null)
    .map(({ view }) => view.name)
    .slice(0, MAX_CHOICES);

export function modelNotFound(name: string | undefined, all: readonly Listed[]): AppError {
  const choices = usable(all);
  const hint =
    choices.length > 0
      ? `Choose one of: ${choices.join(', ')}.`
      : 'Put a Stable Diffusion checkpoint (a .safetensors or .ckpt file, or a folder) into models/checkpoints.';
  if (name === undefined)
    return new AppError('model-not-found', { detail: 'There is no model that can be used.', hint });
  const detail = `There is no model named "${name}" in models/checkpoints`;
  return new AppError('model-not-found', {
    detail: `${detail}.`,
    hint,
    errors: [{ pointer: '/model', detail }],
  });
}
