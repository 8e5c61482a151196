/** Something the person at the terminal can mend. Its message is one clear sentence that says what to do. */
export class SetupError extends Error {
  /**
   * @param {string} message
   * @param {{ output?: string, cause?: unknown }} [facts] `output` is what a failed tool printed; it is shown above.
   */
  constructor(message, facts = {}) {
    super(message, { cause: facts.cause });
    this.name = 'SetupError';
    this.output = facts.output ?? '';
  }
}

/** Keeps a tool's output readable: its last lines. */
const LAST_LINES = 40;

/**
 * Runs `main`; a failure becomes a sentence on stderr and exit code 1, without a stack.
 * @param {() => Promise<void>} main
 * @returns {Promise<void>}
 */
export async function explainFailures(main) {
  try {
    await main();
  } catch (error) {
    process.exitCode = 1;
    process.stderr.write(describeFailure(error, Boolean(process.env['ATELIER_DEBUG'])));
  }
}

/**
 * @param {unknown} error
 * @param {boolean} debug Show stacks of unexpected errors.
 * @returns {string}
 */
export function describeFailure(error, debug) {
  if (error instanceof SetupError) {
    const output = error.output.trimEnd().split('\n').slice(-LAST_LINES).join('\n');
    return `${output === '' ? '' : `${output}\n\n`}${error.message}\n`;
  }
  const place = writeProblem(error);
  if (place !== null) return `${place}\n`;
  const { message, stack } = error instanceof Error ? error : { message: String(error), stack: undefined };
  const more = debug ? `${stack ?? ''}\n` : 'Set ATELIER_DEBUG=1 to see where it comes from.\n';
  return `Atelier could not start: ${message}\n${more}`;
}

/**
 * What a refused write means, in words.
 * @param {unknown} error
 * @returns {string | null} null if the error is about something else.
 */
export function writeProblem(error) {
  if (!(error instanceof Error) || !('code' in error)) return null;
  const path = 'path' in error && typeof error.path === 'string' ? error.path : 'its own folder';
  if (error.code === 'EACCES' || error.code === 'EPERM' || error.code === 'EROFS') {
    return `Atelier may not write to ${path}: move it to a folder that you own, or take the folder over (on Linux and macOS: sudo chown -R "$USER" <folder>).`;
  }
  if (error.code === 'ENOSPC') return `The disk is full at ${path}: free about 2 GB and start again.`;
  return null;
}
