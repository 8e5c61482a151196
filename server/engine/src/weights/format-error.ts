import { basename } from 'node:path';
import { EngineError } from '../errors.ts';

const DOWNLOAD_AGAIN = 'Download the file again, and compare its size and checksum with those of its page.';

/** What is wrong with a weight file, in words that go after "is not a valid … file: ". */
export class FormatError extends Error {
  override readonly name = 'FormatError';
  /** What to do, where that is not to download the file again. */
  readonly hint: string;

  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.hint = options.hint ?? DOWNLOAD_AGAIN;
  }
}

/** @param kind of file, such as "safetensors file". */
export function invalidFile(path: string, kind: string, error: FormatError): EngineError {
  return new EngineError('model-invalid', `"${basename(path)}" is not a valid ${kind}: ${error.message}.`, {
    hint: error.hint,
    cause: error,
  });
}

/** @param isLeast if the file must have more than `expected`, but how much is not known. */
export function cutFile(
  path: string,
  { expected, real, isLeast = false }: { expected: number; real: number; isLeast?: boolean },
): EngineError {
  return new EngineError(
    'model-invalid',
    `"${basename(path)}" is cut short: it should have ${isLeast ? 'at least ' : ''}${expected} bytes and has ${real}.`,
    { hint: 'The download did not finish; download the file again.' },
  );
}

/** A foreign name for a message: readable, one line, not endless. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
}
