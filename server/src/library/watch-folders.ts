import { watch, type FSWatcher } from 'node:fs';

/** Watches a set of folders, each by itself: their tree is known from the scan. */
interface FolderWatcher {
  /** Watches these folders and no others. */
  follow(folders: readonly string[]): void;
  close(): void;
}

/** A copy writes many times; it is looked at once it pauses for this long. */
const QUIET_MS = 300;
/** Each folder costs the system a watch; beyond this many, lists notice changes when they are asked for. */
const MAX_FOLDERS = 500;

/** @param onChange Called after something in a watched folder changed and then was quiet for a moment. */
export function watchFolders(onChange: () => void): FolderWatcher {
  const watchers = new Map<string, FSWatcher>();
  let timer: NodeJS.Timeout | undefined;

  const changed = (): void => {
    clearTimeout(timer);
    timer = setTimeout(onChange, QUIET_MS);
    timer.unref();
  };
  const unwatch = (folder: string): void => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };
  const add = (folder: string): void => {
    try {
      const watcher = watch(folder, { persistent: false }, changed);
      watcher.on('error', () => unwatch(folder));
      watchers.set(folder, watcher);
    } catch {
      // No watch to be had (network disk, too many): lists look for themselves.
    }
  };
  return {
    follow(folders) {
      const wanted = new Set(folders.slice(0, MAX_FOLDERS));
      for (const folder of [...watchers.keys()]) if (!wanted.has(folder)) unwatch(folder);
      for (const folder of wanted) if (!watchers.has(folder)) add(folder);
    },
    close() {
      clearTimeout(timer);
      for (const folder of [...watchers.keys()]) unwatch(folder);
    },
  };
}
