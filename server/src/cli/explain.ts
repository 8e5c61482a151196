import { EngineError } from '@atelier/engine';
import { AppError } from '../errors.ts';

/** What fields of a request are called on the command line, where it differs. */
const FLAGS: Readonly<Record<string, string>> = {
  '/negativePrompt': '--negative',
  '/width': '--size: width',
  '/height': '--size: height',
  '/cfgScale': '--cfg',
  '/batchCount': '--count',
  '/prompt': 'prompt',
};

/** A failure as a person at a terminal reads it: what was wrong and what to do. Exit code 2 means the arguments. */
export function explain(error: unknown): { text: string; exitCode: number } {
  if (error instanceof AppError) {
    const isRequest = error.type === 'invalid-request';
    return {
      text: isRequest ? wrongFields(error) : lines(error.facts.detail, error.facts.hint),
      exitCode: isRequest ? 2 : 1,
    };
  }
  if (error instanceof EngineError) {
    return { text: lines(error.message, error.hint), exitCode: error.code === 'invalid-request' ? 2 : 1 };
  }
  if (error instanceof Error && 'syscall' in error) {
    return { text: `The picture could not be written: ${error.message}.`, exitCode: 1 };
  }
  const { stack } = error instanceof Error ? error : { stack: String(error) };
  return { text: `Something went wrong here; please report it:\n${stack}`, exitCode: 1 };
}

function wrongFields({ facts: { detail, errors = [], hint } }: AppError): string {
  const fields = errors.map(
    ({ pointer, detail }) => `${FLAGS[pointer] ?? pointer.replace('/', '--')} ${detail}.`,
  );
  return fields.length > 0 ? lines(...fields) : lines(detail, hint);
}

const lines = (...parts: (string | undefined)[]): string =>
  parts.filter((part) => part !== undefined).join('\n');
