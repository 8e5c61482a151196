import { z } from 'zod';

/** Every kind of failure, once: HTTP status and title. The name is stable and is what clients branch on. */
export const PROBLEM_TYPES = {
  'invalid-request': { status: 422, title: 'The request does not fit' },
  'malformed-json': { status: 400, title: 'The body is not JSON' },
  'host-not-allowed': { status: 403, title: 'This host name is not served' },
  'origin-not-allowed': { status: 403, title: 'Requests from this page are not allowed' },
  'login-required': { status: 401, title: 'Login required' },
  forbidden: { status: 403, title: 'Not allowed' },
  'not-found': { status: 404, title: 'Not found' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  gone: { status: 410, title: 'The file is gone' },
  conflict: { status: 409, title: 'Not possible in this state' },
  'idempotency-key-reuse': { status: 422, title: 'Idempotency-Key was used with another body' },
  'too-large': { status: 413, title: 'Too large' },
  'unsupported-type': { status: 415, title: 'Unsupported type' },
  'queue-full': { status: 429, title: 'The queue is full' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  'insufficient-storage': { status: 507, title: 'Not enough disk space' },
  'not-ready': { status: 503, title: 'Not ready' },
  internal: { status: 500, title: 'Something went wrong here' },
  'model-not-found': { status: 422, title: 'No such model' },
  'model-invalid': { status: 422, title: 'The model file cannot be used' },
  'model-changed': { status: 409, title: 'The model file changed' },
  'image-too-large': { status: 422, title: 'The picture is too large' },
  'out-of-memory': { status: 507, title: 'Out of memory' },
  'worker-crashed': { status: 500, title: 'The drawing process crashed' },
  timeout: { status: 504, title: 'Took too long' },
  'non-finite': { status: 500, title: 'The model produced invalid numbers' },
} as const satisfies Record<string, { status: number; title: string }>;
export type ProblemType = keyof typeof PROBLEM_TYPES;

/** RFC 9457 answer of the API, `application/problem+json`. */
export const Problem = z
  .object({
    type: z.string().describe('Stable name of the problem.'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('What was expected and what came.'),
    hint: z.string().optional().describe('What to do next.'),
    instance: z.string().describe('Id of the request; it is in the log too.'),
    errors: z
      .array(
        z.strictObject({ pointer: z.string().describe('JSON pointer of the field.'), detail: z.string() }),
      )
      .optional(),
  })
  .meta({ id: 'Problem' });
export type Problem = z.output<typeof Problem>;
