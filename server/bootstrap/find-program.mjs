import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * @param {string} program A name to look for on the PATH, or a path.
 * @returns {string | null} Its path, if it can be run.
 */
export function findOnPath(program) {
  if (program.includes('/') || program.includes('\\')) return isProgram(program) ? program : null;
  const suffixes = process.platform === 'win32' ? ['.exe', '.cmd', ''] : [''];
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    for (const suffix of suffixes) {
      const path = join(folder, program + suffix);
      if (folder !== '' && isProgram(path)) return path;
    }
  }
  return null;
}

/** @param {string} path */
function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
