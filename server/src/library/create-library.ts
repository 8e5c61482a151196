import type { ModelProblem, ModelView } from '@atelier/contract';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { AppError } from '../errors.ts';
import type { Events } from '../events.ts';
import type { Log } from '../log.ts';
import { FAKE_MODEL } from './fake-model.ts';
import { findByName, modelNotFound, starterOrFirst, usable } from './find-model.ts';
import type { FoundFile } from './found-file.ts';
import { openHashStore } from './hash-store.ts';
import { createHasher } from './hasher.ts';
import { startInspector, type Inspector } from './inspector/inspector.ts';
import type { InspectedCard } from './inspector/messages.ts';
import type { Library, UsableModel } from './library.ts';
import { modelView } from './model-view.ts';
import { rerunning } from './rerunning.ts';
import { scanFolder } from './scan-folder.ts';
import { watchFolders } from './watch-folders.ts';

type LibraryConfig = Pick<Config, 'modelsDir' | 'dataDir' | 'engine'>;

type Found = { card: InspectedCard } | { problem: ModelProblem };

interface Inspection {
  /** Null while the file is being read. */
  found: Found | null;
  done: Promise<void>;
}

/** A list is not held up longer than this by files that are slow to read; they follow as a change. */
const LIST_PATIENCE_MS = 5_000;
/** Changes this close together are announced as one. */
const TOGETHER_MS = 100;
/** Problems of files changed this recently may come from their still being copied. */
const SETTLED_AFTER_MS = 10_000;

/** The checkpoints below `modelsDir`. Watches the folder until closed. */
export function createLibrary(
  { modelsDir, dataDir, engine }: LibraryConfig,
  events: Events,
  log: Log,
  inspector: Inspector = startInspector(log),
): Library {
  const folder = join(modelsDir, 'checkpoints');
  const hashes = openHashStore(join(dataDir, 'model-hashes.json'));
  const hasher = createHasher(inspector, hashes, log, () => announceIn(TOGETHER_MS));
  const inspections = new Map<string, Inspection>();
  let files: FoundFile[] = [];
  let announced: string | null = null;
  let isClosed = false;
  const timers = new Set<NodeJS.Timeout>();

  const refresh = rerunning(async () => {
    const scan = await scanFolder(folder);
    watcher.follow(scan.folders);
    files = scan.files;
    const wanted = new Map(files.map((file) => [keyOf(file), file]));
    for (const key of inspections.keys()) if (!wanted.has(key)) inspections.delete(key);
    for (const [key, file] of wanted) if (!inspections.has(key)) inspections.set(key, inspect(file));
    const all = Promise.all([...inspections.values()].map(({ done }) => done));
    await atMost(LIST_PATIENCE_MS, all);
    announced ??= JSON.stringify(views());
    announceIn(0);
    if (files.some(isFresh)) announceIn(SETTLED_AFTER_MS);
  });
  const watcher = watchFolders(() => {
    if (!isClosed)
      refresh().catch((error: unknown) => log.error('The models could not be listed.', { error }));
  });

  const inspect = (file: FoundFile): Inspection => {
    const inspection: Inspection = { found: null, done: Promise.resolve() };
    inspection.done = inspectFile(file, inspector).then((found) => {
      inspection.found = found;
      if (isClosed) return;
      if ('problem' in found) {
        log.warn('A model file cannot be used.', { file: file.fileName, ...found.problem });
      } else if (!file.isFolder) {
        hasher.want(file); // several files have no one hash
      }
      announceIn(TOGETHER_MS);
    });
    return inspection;
  };

  const views = (): { view: ModelView; file: FoundFile | null }[] => [
    ...(engine === 'fake' ? [{ view: FAKE_MODEL, file: null }] : []),
    ...files.map((file) => {
      const found = inspections.get(keyOf(file))?.found;
      const shown = found == null ? { problem: BEING_READ } : withDoubt(found, file);
      return { view: modelView(file, shown, hasher.known(file)), file };
    }),
  ];

  /** Says that the list is another one, if it then is. Nobody has seen a list before the first scan ends. */
  const announceIn = (delayMs: number): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      const now = JSON.stringify(views());
      if (announced !== null && announced !== now) events.emit('models:changed');
      if (announced !== null) announced = now;
    }, delayMs).unref();
    timers.add(timer);
  };

  const resolve = async (name?: string): Promise<UsableModel & { file: FoundFile | null }> => {
    await refresh();
    const all = views();
    const match = name === undefined ? starterOrFirst(all) : findByName(all, name);
    if (match === undefined) throw modelNotFound(name, all);
    const { view, file } = match;
    if (view.problem !== null) throw unusableModel(view.name, view.problem, all);
    return { view, path: file?.path ?? '', file };
  };

  void mkdir(folder, { recursive: true })
    .catch(() => undefined) // a read-only models folder is fine; one that is missing is empty
    .then(refresh)
    .catch((error: unknown) => log.error('The models could not be listed.', { error }));

  return {
    async list() {
      await refresh();
      return views().map(({ view }) => view);
    },
    async resolve(name) {
      const { view, path } = await resolve(name);
      return { view, path };
    },
    async shortHash(name) {
      const { file } = await resolve(name);
      return file === null || file.isFolder ? null : ((await hasher.soon(file))?.slice(0, 10) ?? null);
    },
    async close() {
      isClosed = true;
      for (const timer of timers) clearTimeout(timer);
      watcher.close();
      hasher.close();
      await inspector.close();
    },
  };
}

async function inspectFile({ path, problem }: FoundFile, inspector: Inspector): Promise<Found> {
  if (path === null || problem !== null) return { problem: problem ?? NOTHING_THERE };
  const answer = await inspector.inspect(path);
  if ('card' in answer) return { card: answer.card };
  return { problem: 'problem' in answer ? answer.problem : NOTHING_THERE };
}

const isFresh = ({ modifiedMs }: FoundFile): boolean => Math.abs(Date.now() - modifiedMs) < SETTLED_AFTER_MS;

/** What is wrong with a file that was changed a moment ago may be that it is not all there yet. */
function withDoubt(found: Found, file: FoundFile): Found {
  if (!('problem' in found) || !isFresh(file)) return found;
  const { problem } = found;
  return { problem: { ...problem, detail: `${problem.detail} ${MAY_BE_GROWING}` } };
}

const NOTHING_THERE: ModelProblem = {
  type: 'model-not-found',
  detail: 'There is no file to read.',
  hint: null,
};
const BEING_READ: ModelProblem = {
  type: 'not-ready',
  detail: 'This file is still being read.',
  hint: 'Try again in a moment.',
};
const MAY_BE_GROWING = 'If it is still being copied, it will be read again when that is done.';

const keyOf = ({ fileName, identity }: FoundFile): string => `${identity} ${fileName}`;

function unusableModel(
  name: string,
  { detail, hint, type }: ModelProblem,
  all: readonly { view: ModelView }[],
): AppError {
  const choices = usable(all);
  return new AppError(type === 'model-not-found' || type === 'not-ready' ? type : 'model-invalid', {
    detail: `The model "${name}" cannot be used: ${detail}`,
    hint:
      hint ??
      (choices.length > 0 ? `Choose another one: ${choices.join(', ')}.` : 'Put another checkpoint there.'),
    errors: [{ pointer: '/model', detail }],
  });
}

/** Resolves with the work or after `limitMs`, whichever comes first. Rejects with the work. */
async function atMost(limitMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, limit]).finally(() => clearTimeout(timer));
}
