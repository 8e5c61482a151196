import { EngineError } from '../errors.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import { kindOf, titleOf, type FileKind } from './file-kind.ts';

/**
 * Reads a file as what it was chosen for. If that fails and the file looks like something else, the message says so: a
 * missing tensor means little to somebody who took one file for another.
 * @throws EngineError as `read` does, or `model-invalid` with what the file looks like
 */
export async function readAs<Result>(
  wanted: FileKind,
  source: WeightSource,
  read: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    const { kind, what } = kindOf(source);
    const isOther = kind !== wanted && kind !== 'unknown';
    if (!isOther || !(error instanceof EngineError) || error.code !== 'model-invalid') throw error;
    throw new EngineError(
      'model-invalid',
      `"${source.name}" is not ${titleOf(wanted)}: it looks like ${what}.`,
      { cause: error, hint: `Choose ${titleOf(wanted)}, or use the file as what it is.` },
    );
  }
}
