import type { RequestHandler } from 'express';
import type { AllowedHosts } from './boundary/allowed-hosts.ts';
import { checkHeaderCount } from './boundary/check-headers.ts';
import { checkRequest } from './boundary/check-request.ts';
import { setSecurityHeaders } from './boundary/headers.ts';

/** What every request passes first, whatever it asks for. */
export function guard(hosts: AllowedHosts): RequestHandler {
  return (req, res, next) => {
    setSecurityHeaders(res);
    checkHeaderCount(req);
    checkRequest(req, hosts);
    next();
  };
}
