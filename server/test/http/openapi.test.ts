import { PROBLEM_TYPES } from '@atelier/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiRoutes } from '../../src/http/app.ts';
import { get, send } from './send.ts';
import { startApp, type StartedApp } from './start-app.ts';

interface Operation {
  operationId: string;
  summary: string;
  parameters?: { in: string; name: string; required?: boolean; schema: unknown }[];
  requestBody?: { content: Record<string, { schema: unknown }> };
  responses: Record<string, { description: string; content?: Record<string, unknown> }>;
}
interface Document {
  openapi: string;
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown> };
}

let app: StartedApp;
let document: Document;
beforeAll(async () => {
  app = await startApp();
  document = (await get(app.base, '/api/openapi.json')).json as Document;
});
afterAll(() => app.close());

const operations = (): [method: string, path: string, operation: Operation][] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, Operation] => [
      method,
      path,
      operation,
    ]),
  );

describe('the OpenAPI document', () => {
  it('describes every route that is served, and no other', () => {
    const served = apiRoutes(app).map(({ method, path }) => `${method} ${path}`);
    expect(
      operations()
        .map(([method, path]) => `${method} ${path}`)
        .sort(),
    ).toEqual(served.sort());
    expect(served).toHaveLength(12);
  });

  it('says where each operation is, and that address is served', async () => {
    expect(document).toMatchObject({ openapi: '3.1.0', servers: [{ url: '/api/v1' }] });
    for (const [method, path] of operations()) {
      const url = `/api/v1${path.replaceAll(/\{\w+\}/g, '0b0ef0a6-0000-4000-8000-000000000000')}`;
      const { status, text } = await send(app.base, url, { method: method.toUpperCase() });
      expect([url, method === 'get' ? [200, 404] : [415]]).toEqual([url, expect.arrayContaining([status])]);
      expect(text).not.toContain('nothing at');
    }
  });

  it('resolves all its references', () => {
    const text = JSON.stringify(document);
    const references = new Set([...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, target]) => target ?? ''));
    expect(references.size).toBeGreaterThan(5);
    for (const reference of references) {
      const target = reference
        .slice(2)
        .split('/')
        .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], document);
      expect(target, reference).toBeTypeOf('object');
    }
  });

  it('names every parameter of every path once, and every operation by its own name', () => {
    const names = operations().map(([, path, { operationId, parameters = [], summary, responses }]) => {
      const inPath = parameters.filter((parameter) => parameter.in === 'path');
      expect(inPath.map(({ name }) => name)).toEqual(
        [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
      );
      expect(inPath.every(({ required }) => required)).toBe(true);
      expect(summary).toMatch(/^[A-Z]/);
      expect(Object.keys(responses).some((status) => status.startsWith('2'))).toBe(true);
      return operationId;
    });
    expect(new Set(names).size).toBe(names.length);
  });

  it('says which problems can come, by their names', () => {
    for (const [, , { responses }] of operations()) {
      for (const [status, { description, content }] of Object.entries(responses)) {
        if (status.startsWith('2')) continue;
        expect(Object.keys(content ?? {})).toEqual(['application/problem+json']);
        for (const [, type] of description.matchAll(/`([\w-]+)`/g))
          expect(PROBLEM_TYPES[type as keyof typeof PROBLEM_TYPES].status).toBe(Number(status));
      }
    }
    expect(document.paths['/jobs']?.['post']?.responses['429']?.description).toContain('queue-full');
  });

  it('has the limits of the contract', () => {
    const request = document.components.schemas['GenerationRequest'] as {
      properties: Record<string, Record<string, unknown>>;
      required: string[];
    };
    expect(request.required).toEqual(['prompt']);
    expect(request.properties['width']).toMatchObject({
      type: 'integer',
      minimum: 64,
      maximum: 2048,
      multipleOf: 8,
    });
    expect(request.properties['steps']).toMatchObject({ minimum: 1, maximum: 150 });
  });
});

describe('the page of the API', () => {
  it('loads its parts from this server, under a policy that allows nothing else', async () => {
    const page = await get(app.base, '/api/docs');
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(page.text).not.toMatch(/https?:/);
    for (const [, path] of page.text.matchAll(/(?:src|href|spec-url)="(\/[^"]+)"/g)) {
      const { status, headers } = await get(app.base, path ?? '');
      expect([path, status]).toEqual([path, 200]);
      expect(headers['x-content-type-options']).toBe('nosniff');
    }
  });
});
