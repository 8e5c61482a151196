import { PROBLEM_TYPES, type Problem } from '@atelier/contract';
import { STATUS_CODES } from 'node:http';
import { AppError } from '../errors.ts';

export interface Answer {
  body: Problem;
  headers: Record<string, string>;
}

export const PROBLEM_MEDIA_TYPE = 'application/problem+json; charset=utf-8';
/** Seconds after which a refused request is worth repeating, where the error does not say. */
const RETRY_AFTER_S = 5;

/** The answer to a failed request. What is not an error of ours becomes `internal` and tells nothing of its inside. */
export function toProblem(error: unknown, requestId: string): Answer {
  if (error instanceof AppError) return fromAppError(error, requestId);
  const status = statusOf(error);
  if (status === null) {
    const { status, title } = PROBLEM_TYPES.internal;
    const detail = 'The server met an error of its own. Its log has the details under this request id.';
    return { body: { type: 'internal', title, status, detail, instance: requestId }, headers: {} };
  }
  return { body: plainProblem(status, requestId), headers: {} };
}

/** A refusal that HTTP itself has a name for, such as 416 or 431. */
export function plainProblem(status: number, requestId: string): Problem {
  if (status === 404) {
    const { title } = PROBLEM_TYPES['not-found'];
    return {
      type: 'not-found',
      title,
      status,
      detail: 'There is nothing at this address.',
      instance: requestId,
    };
  }
  const title = STATUS_CODES[status] ?? 'Refused';
  return { type: 'about:blank', title, status, detail: `${title}.`, instance: requestId };
}

function fromAppError({ type, status, facts }: AppError, instance: string): Answer {
  const { title } = PROBLEM_TYPES[type];
  const { detail, hint, errors } = facts;
  const retryAfterS = facts.retryAfterS ?? (status === 429 || status === 503 ? RETRY_AFTER_S : undefined);
  return {
    body: {
      type,
      title,
      status,
      detail,
      ...(hint === undefined ? {} : { hint }),
      instance,
      ...(errors === undefined ? {} : { errors: [...errors] }),
    },
    headers: retryAfterS === undefined ? {} : { 'Retry-After': String(Math.ceil(retryAfterS)) },
  };
}

/** Status of an error made by Express or by what it uses to send files; null for anything that is not the client's. */
function statusOf(error: unknown): number | null {
  if (typeof error !== 'object' || error === null) return null;
  const { status, code } = error as { status?: unknown; code?: unknown };
  if (code === 'ENOENT' || code === 'ENAMETOOLONG') return 404;
  if (typeof status !== 'number' || status < 400 || status > 499) return null;
  return status === 400 ? 404 : status; // 400: the address cannot be decoded, so nothing is there
}
