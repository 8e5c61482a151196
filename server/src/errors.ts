import { PROBLEM_TYPES, type ProblemType } from '@atelier/contract';

interface ErrorFacts {
  /** What was expected and what came. */
  detail: string;
  /** The next thing to do. */
  hint?: string;
  errors?: readonly { pointer: string; detail: string }[];
  /** Seconds after which trying again makes sense; sent as Retry-After. */
  retryAfterS?: number;
  cause?: unknown;
}

/** A failure with a stable name; the HTTP layer turns it into problem+json, the queue into a job's failure. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly type: ProblemType;
  readonly facts: ErrorFacts;

  constructor(type: ProblemType, facts: ErrorFacts) {
    super(facts.detail, { cause: facts.cause });
    this.type = type;
    this.facts = facts;
  }

  get status(): number {
    return PROBLEM_TYPES[this.type].status;
  }
}

/** The server cannot start as it was told to. The message is one sentence that says what to do. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
