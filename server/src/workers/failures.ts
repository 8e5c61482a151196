import { PROBLEM_TYPES, type JobFailure, type ProblemType } from '@atelier/contract';

/** Longest detail and hint that a worker may send. */
const TEXT_LENGTH = 1000;

export const jobFailure = (type: ProblemType, detail: string, hint: string | null = null): JobFailure => ({
  type,
  title: PROBLEM_TYPES[type].title,
  detail: detail.slice(0, TEXT_LENGTH),
  hint: hint?.slice(0, TEXT_LENGTH) ?? null,
});

const isProblemType = (name: unknown): name is ProblemType =>
  typeof name === 'string' && name in PROBLEM_TYPES;

/** Says that memory ran out, in the words of V8, C++ and ONNX Runtime. */
export const speaksOfMemory = (text: string): boolean =>
  /out of memory|bad_alloc|bad allocation|failed to allocate memory|cannot allocate memory|ENOMEM|Array buffer allocation failed/i.test(
    text,
  );

export const MEMORY_HINT = 'Ask for a smaller picture, use a smaller model, or close other programs.';

/**
 * What the engine threw, as a job's failure: an error with one of our codes keeps it, an allocation that failed
 * becomes `out-of-memory`, anything else `internal`.
 */
export function failureOf(error: unknown): JobFailure {
  const { code, message, hint } = error as { code?: unknown; message?: unknown; hint?: unknown };
  const text = typeof message === 'string' ? message : String(error);
  if (isProblemType(code)) return jobFailure(code, text, typeof hint === 'string' ? hint : null);
  if (speaksOfMemory(text)) return jobFailure('out-of-memory', text, MEMORY_HINT);
  return jobFailure('internal', text, 'Look into the log of the server.');
}
