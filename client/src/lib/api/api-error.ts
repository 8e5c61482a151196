import { Problem } from '@atelier/contract';

/** A request that did not succeed, in words for the person who made it. */
export class ApiError extends Error {
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** Stable name of the problem; `unreachable` when no answer came, `unreadable` when it was not ours. */
  readonly type: string;
  readonly title: string;
  readonly hint: string | null;
  /** What was wrong, by name of the field. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(facts: {
    status: number;
    type: string;
    title: string;
    detail: string;
    hint?: string | undefined;
    fields?: Record<string, string>;
    cause?: unknown;
  }) {
    super(facts.detail, { cause: facts.cause });
    this.name = 'ApiError';
    this.status = facts.status;
    this.type = facts.type;
    this.title = facts.title;
    this.hint = facts.hint ?? null;
    this.fields = facts.fields ?? {};
  }
}

export const unreachable = (cause: unknown): ApiError =>
  new ApiError({
    status: 0,
    type: 'unreachable',
    title: 'No answer from the server',
    detail: 'Atelier could not be reached.',
    hint: 'Check that it is still running. This page connects again by itself.',
    cause,
  });

/** Reads an answer that is no success. A proxy's page or an empty body still becomes a sentence. */
export async function errorOf(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const problem = Problem.safeParse(body);
  if (!problem.success) {
    return new ApiError({
      status: response.status,
      type: 'unreadable',
      title: 'Something went wrong',
      detail: `The server answered ${response.status} ${response.statusText}`.trim() + '.',
    });
  }
  const { status, type, title, detail, hint, errors = [] } = problem.data;
  return new ApiError({ status, type, title, detail, hint, fields: fieldErrors(errors) });
}

/** `/width` → `width`; the first remark about a field counts. */
function fieldErrors(errors: readonly { pointer: string; detail: string }[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const { pointer, detail } of errors) {
    const name = pointer.split('/')[1] ?? '';
    fields[name] ??= detail;
  }
  return fields;
}
