import { Problem, PROBLEM_TYPES, type ProblemType } from '@atelier/contract';
import { z } from 'zod';
import type { createDocument } from 'zod-openapi';
import type { Content, Route } from '../route.ts';

type Document = ReturnType<typeof createDocument>;
type Paths = NonNullable<Parameters<typeof createDocument>[0]['paths']>;
type Operation = NonNullable<Paths[string]['get']>;
type Responses = NonNullable<Operation['responses']>;

/** Failures that any operation may answer with. */
const SHARED: readonly ProblemType[] = ['host-not-allowed', 'origin-not-allowed', 'internal'];
const WITH_BODY: readonly ProblemType[] = [
  'malformed-json',
  'too-large',
  'unsupported-type',
  'invalid-request',
];

/** The OpenAPI 3.1 document of the routes, from the same schemas that check requests. */
export async function openApiDocument(routes: readonly Route[], version: string): Promise<Document> {
  const { createDocument } = await import('zod-openapi'); // needed by few, so not loaded at start
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Atelier',
      version,
      description:
        'Draws pictures from text. Errors are `application/problem+json` (RFC 9457); branch on their `type`. ' +
        'Changes need `Content-Type: application/json`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/api/v1' }],
    tags: [{ name: 'Jobs' }, { name: 'Images' }, { name: 'Models' }, { name: 'Server' }],
    paths: pathsOf(routes),
  });
}

function pathsOf(routes: readonly Route[]): Paths {
  const paths: Paths = {};
  for (const route of routes)
    paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) };
  return paths;
}

function operationOf(route: Route): Operation {
  const { method, path, tag, summary, description, query, headers, body, example, answers, problems } = route;
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
  const common = method === 'post' ? [...WITH_BODY, ...SHARED] : SHARED;
  return {
    operationId: operationId(method, path),
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    requestParams: {
      ...(names.length === 0 ? {} : { path: stringsNamed(names.map((name) => [name, z.uuid()])) }),
      ...(query === undefined ? {} : { query }),
      ...(headers === undefined
        ? {}
        : { header: stringsNamed(Object.entries(headers).map(([name, text]) => [name, headerText(text)])) }),
    },
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: body, ...(example === undefined ? {} : { example }) } },
          },
        }),
    responses: { ...mapValues(answers, answerOf), ...failures([...problems, ...common]) },
  };
}

const headerText = (description: string): z.ZodType =>
  z.string().min(1).max(255).optional().describe(description);
const stringsNamed = (entries: [string, z.ZodType][]): z.ZodObject => z.object(Object.fromEntries(entries));

/** `get /jobs/{id}` → `getJobsById`. */
const operationId = (method: string, path: string): string =>
  method +
  path.replaceAll(/\/\{(\w+)\}|\/(\w)/g, (_all, parameter?: string, first?: string) =>
    parameter === undefined ? (first ?? '').toUpperCase() : `By${capital(parameter)}`,
  );
const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

function answerOf(answer: Content): NonNullable<Responses[`${1 | 2 | 3 | 4 | 5}${string}`]> {
  if ('schema' in answer) {
    const { description, schema, headers } = answer;
    return {
      description,
      content: { 'application/json': { schema } },
      ...(headers === undefined
        ? {}
        : {
            headers: mapValues(headers, (text) => ({
              description: text,
              schema: { type: 'string' as const },
            })),
          }),
    };
  }
  if (!('mediaTypes' in answer)) return { description: answer.description };
  return {
    description: answer.description,
    content: Object.fromEntries(answer.mediaTypes.map((type) => [type, {}])),
  };
}

/** One answer a status; it names the types of problem that have it. */
function failures(types: readonly ProblemType[]): Responses {
  const byStatus = new Map<number, Set<ProblemType>>();
  for (const type of types) {
    const { status } = PROBLEM_TYPES[type];
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(type));
  }
  return Object.fromEntries(
    [...byStatus].map(([status, types]) => [
      String(status),
      {
        description: [...types].map((type) => `\`${type}\`: ${PROBLEM_TYPES[type].title}.`).join(' '),
        content: { 'application/problem+json': { schema: Problem } },
      },
    ]),
  );
}

const mapValues = <T, U>(record: Record<string, T>, map: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
