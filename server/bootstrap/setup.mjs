import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { TARGETS, build, isBuilt } from './build.mjs';
import { install, isInstalled } from './install.mjs';
import { withLock } from './lock.mjs';
import { phase } from './progress.mjs';

/** The checkout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** @param {string} root */
function isReady(root) {
  return isInstalled(root) && TARGETS.every((target) => isBuilt(root, target));
}

/**
 * Installs and builds whatever is missing or out of date; does nothing, and writes nothing, if all is there.
 * @param {string} [root]
 * @throws {import('./failure.mjs').SetupError} with a sentence that says what to do.
 */
export async function ensureReady(root = ROOT) {
  if (isReady(root)) return;
  accessSync(root, constants.W_OK);
  await withLock(
    join(root, '.setup.lock'),
    async () => {
      if (!isInstalled(root))
        await phase('Installing packages (a few minutes the first time)', () => install(root));
      for (const target of TARGETS) {
        if (!isBuilt(root, target)) await phase(target.title, () => build(root, target));
      }
    },
    (holder) => process.stderr.write(`Another start is setting Atelier up (${holder}); waiting for it …\n`),
  );
}

/**
 * @param {string} path Below the checkout.
 * @returns {string} What `import()` takes, on every system.
 */
export function builtFile(path) {
  return pathToFileURL(join(ROOT, path)).href;
}
