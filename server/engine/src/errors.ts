/** Kinds of failure of the engine; stable names that callers branch on. */
export type EngineErrorCode =
  'model-not-found' | 'model-invalid' | 'model-changed' | 'invalid-request' | 'out-of-memory' | 'non-finite';

/** A failure that says what was expected, what came, and what to do next. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;
  /** The next thing to do, for the person at the screen. */
  readonly hint: string | undefined;

  constructor(code: EngineErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}
