import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { EngineError } from '../errors.ts';

/** What tells that a path still leads to the same bytes. Nanoseconds, since copies are quick. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
  readonly sizeBytes: bigint;
  readonly modifiedNs: bigint;
}

/** Of a regular file; reading a pipe or a device would never end. */
export async function identify(path: string): Promise<FileIdentity> {
  const facts = await stat(path, { bigint: true }).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  if (!facts.isFile()) {
    throw new EngineError(
      'model-invalid',
      `"${basename(path)}" is ${facts.isDirectory() ? 'a folder' : 'not a file'}.`,
      {
        hint: 'Choose a file with weights, such as a .safetensors file.',
      },
    );
  }
  return { device: facts.dev, inode: facts.ino, sizeBytes: facts.size, modifiedNs: facts.mtimeNs };
}

/**
 * Compares with an identity taken before. Weights are mapped into memory, so a file that was written to since would give
 * pictures from mixed weights, or end the process when it became shorter.
 */
export async function checkIdentity(path: string, before: FileIdentity): Promise<void> {
  const now = await identify(path).catch((cause: unknown) => {
    if (cause instanceof EngineError && cause.code === 'model-not-found') throw cause;
    throw changed(path, 'can no longer be read', cause);
  });
  if (now.sizeBytes !== before.sizeBytes) {
    throw changed(path, `had ${before.sizeBytes} bytes and now has ${now.sizeBytes}`);
  }
  if (now.device !== before.device || now.inode !== before.inode) throw changed(path, 'was replaced');
  if (now.modifiedNs !== before.modifiedNs) throw changed(path, 'was written to');
}

/** Turns a failure of the file system into one that a person understands. */
export function unreadable(path: string, cause: unknown): EngineError {
  const code = (cause as NodeJS.ErrnoException | null)?.code;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new EngineError('model-not-found', `There is no file "${basename(path)}".`, {
      hint: 'Check the name; the file may have been moved or deleted.',
      cause,
    });
  }
  return new EngineError(
    'model-invalid',
    `"${basename(path)}" cannot be read (${code ?? 'unknown error'}).`,
    {
      hint: 'Check that the file is readable for the user who runs Atelier, and that its disk works.',
      cause,
    },
  );
}

function changed(path: string, what: string, cause?: unknown): EngineError {
  return new EngineError('model-changed', `"${basename(path)}" ${what} after it was opened.`, {
    hint: 'Try again; the file will be read anew.',
    cause,
  });
}
