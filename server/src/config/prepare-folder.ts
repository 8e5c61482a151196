import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { StartError } from '../errors.ts';

/**
 * Makes a folder that the server writes to, if it is not there.
 * @param flag The start option that names it.
 * @throws StartError if it cannot be made or written to.
 */
export async function prepareFolder(path: string, flag: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new StartError(
      `The folder ${path} cannot be written to (${(error as NodeJS.ErrnoException).code ?? String(error)}): ` +
        `give yourself the right to, or choose another one with --${flag}.`,
      { cause: error },
    );
  }
}
