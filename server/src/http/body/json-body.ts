import type { Request, RequestHandler } from 'express';
import { AppError } from '../../errors.ts';
import { checkJson } from './check-json.ts';
import { readBody } from './read-body.ts';

/**
 * Reads a JSON body into `req.body`, undefined if there is none. Every request that changes something says
 * `application/json`, which a form on another site cannot send.
 * @throws AppError `unsupported-type`, `too-large`, `malformed-json`.
 */
export const readJsonBody: RequestHandler = async (req, _res, next) => {
  requireJson(req);
  req.body = parse(decode(await readBody(req)));
  checkJson(req.body);
  next();
};

function requireJson({ headers }: Request): void {
  const [type = '', ...parameters] = (headers['content-type'] ?? '')
    .split(';')
    .map((part) => part.trim().toLowerCase());
  if (type !== 'application/json') {
    throw new AppError('unsupported-type', {
      detail: `Expected Content-Type application/json but ${type === '' ? 'none' : `"${type.slice(0, 100)}"`} came.`,
      hint: 'Send the header Content-Type: application/json.',
    });
  }
  const isUtf8 = parameters.every(
    (parameter) => !/^charset\s*=/.test(parameter) || /=\s*"?utf-?8"?$/.test(parameter),
  );
  if (!isUtf8 || (headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new AppError('unsupported-type', {
      detail: 'The body must be plain UTF-8 without Content-Encoding.',
    });
  }
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AppError('malformed-json', { detail: 'The body is not UTF-8.', cause });
  }
}

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/\s+/g, ' ').slice(0, 200) : 'unreadable';
    throw new AppError('malformed-json', { detail: `Not valid JSON: ${reason}.`, cause });
  }
}
