import type { ProblemType } from '@atelier/contract';
import { Router, type Request, type RequestHandler, type Response } from 'express';
import type { z } from 'zod';
import { AppError } from '../errors.ts';
import { readJsonBody } from './body/json-body.ts';

/** What a successful answer holds. */
export type Content =
  | { description: string; schema: z.ZodType; headers?: Record<string, string> }
  | { description: string; mediaTypes: readonly string[] }
  | { description: string };

/**
 * One operation of the API: how it is reached, what its documentation says, and what it does. The same list is served
 * and documented, so neither can have what the other lacks.
 */
export interface Route {
  method: 'get' | 'post';
  /** As OpenAPI spells it, e.g. `/jobs/{id}`. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  query?: z.ZodObject;
  /** Header parameters by name, with their description. */
  headers?: Record<string, string>;
  body?: z.ZodType;
  /** A body to start from, as the documentation shows it. */
  example?: unknown;
  answers: Record<number, Content>;
  /** Failures beyond those that every operation shares. */
  problems: readonly ProblemType[];
  /** Parses, calls one service, answers. Throws AppError. */
  handle: (req: Request, res: Response) => Promise<void> | void;
}

/** Serves a list of routes; a known path with another method answers 405 and names the right ones. */
export function serveRoutes(routes: readonly Route[]): Router {
  const router = Router({ caseSensitive: true });
  for (const [path, operations] of byPath(routes)) {
    const resource = router.route(path.replaceAll(/\{(\w+)\}/g, ':$1'));
    for (const { method, handle } of operations) {
      if (method === 'get') resource.get(handle);
      else resource.post(readJsonBody, handle);
    }
    resource.all(methodNotAllowed(operations.map(({ method }) => method)));
  }
  return router;
}

/** Refuses any method but the given ones, naming them. */
export function methodNotAllowed(methods: readonly Route['method'][]): RequestHandler {
  const allowed = methods.flatMap((method) => (method === 'get' ? ['GET', 'HEAD'] : ['POST'])).join(', ');
  return (req, res) => {
    res.setHeader('Allow', allowed);
    throw new AppError('method-not-allowed', { detail: `Expected ${allowed} but ${req.method} came.` });
  };
}

function byPath(routes: readonly Route[]): Map<string, Route[]> {
  const groups = new Map<string, Route[]>();
  for (const route of routes) groups.set(route.path, [...(groups.get(route.path) ?? []), route]);
  return groups;
}
