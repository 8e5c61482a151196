import { Problem } from '@atelier/contract';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAllowedHosts } from '../../src/http/boundary/allowed-hosts.ts';
import { get, post, send, sendRaw } from './send.ts';
import { startApp, type StartedApp } from './start-app.ts';

let app: StartedApp;
let clientDir: string;
beforeAll(async () => {
  clientDir = await mkdtemp(join(tmpdir(), 'atelier-client-'));
  await mkdir(join(clientDir, 'assets'));
  await writeFile(join(clientDir, 'index.html'), '<!doctype html><title>Atelier</title>');
  await writeFile(join(clientDir, 'assets', 'app-1a2b.js'), `export {};${' '.repeat(10_000)}`);
  await writeFile(join(clientDir, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  await writeFile(join(clientDir, '.secret'), 'no');
  app = await startApp({ clientDir });
});
afterAll(async () => {
  await app.close();
  await rm(clientDir, { recursive: true });
});

const LIVE = '/healthz/live';
const statusFor = async (headers: Record<string, string>, path = LIVE): Promise<number> =>
  (await get(app.base, path, headers)).status;

describe('the Host header', () => {
  it.each(['127.0.0.1', 'localhost', 'LocalHost', 'studio.localhost', '[::1]', 'studio.example'])(
    'may be %s with the port of the server',
    async (name) => {
      expect(await statusFor({ host: `${name}:${app.port}` })).toBe(200);
    },
  );

  it.each(['studio.example', 'other.example:8443'])('may be the configured %s', async (host) => {
    expect(await statusFor({ host })).toBe(200);
  });

  it.each([
    'evil.example',
    '127.0.0.1',
    'localhost',
    '127.0.0.1:1',
    'localhost.evil.example:PORT',
    'evil.example:PORT',
    'localhost.:PORT',
    'evillocalhost:PORT',
    '.localhost:PORT',
    '127.0.0.1:PORT@evil.example',
    'user@127.0.0.1:PORT',
    '0.0.0.0:PORT',
    '192.168.1.1:PORT',
    'other.example',
    'other.example:PORT2',
    'studio.example:1',
    '127.0.0.1:PORT:PORT',
    '[::1]',
    '[::2]:PORT',
    'local host:PORT',
    'x/y:PORT',
  ])('must not be "%s"', async (host) => {
    const value = host.replace('PORT2', '9').replaceAll('PORT', String(app.port));
    const answer = await get(app.base, LIVE, { host: value });
    expect(answer.status).toBe(403);
    expect(Problem.parse(answer.json).type).toBe('host-not-allowed');
  });

  it('must come exactly once', async () => {
    const good = `127.0.0.1:${app.port}`;
    const twice = `GET ${LIVE} HTTP/1.1\r\nHost: ${good}\r\nHost: evil.example\r\nConnection: close\r\n\r\n`;
    expect(await sendRaw(app.base, twice)).toMatch(/^HTTP\/1.1 403 /);
    const same = `GET ${LIVE} HTTP/1.1\r\nHost: ${good}\r\nhost: ${good}\r\nConnection: close\r\n\r\n`;
    expect(await sendRaw(app.base, same)).toMatch(/^HTTP\/1.1 403 /);
    const never = `GET ${LIVE} HTTP/1.1\r\nConnection: close\r\n\r\n`;
    expect(await sendRaw(app.base, never)).toMatch(/^HTTP\/1.1 403 /);
    const empty = `GET ${LIVE} HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n`;
    expect(await sendRaw(app.base, empty)).toMatch(/^HTTP\/1.1 403 /);
    const one = `GET ${LIVE} HTTP/1.1\r\nHost: ${good}\r\nConnection: close\r\n\r\n`;
    expect(await sendRaw(app.base, one)).toMatch(/^HTTP\/1.1 200 /);
  });

  it('counts, whatever forwarded headers claim', async () => {
    const forwarded = {
      host: 'evil.example',
      'x-forwarded-host': `127.0.0.1:${app.port}`,
      forwarded: 'host=localhost',
    };
    expect(await statusFor(forwarded)).toBe(403);
  });
});

describe('createAllowedHosts', () => {
  it('allows addresses and names of this machine only where it listens to the network', () => {
    const machine = (): string[] => ['192.168.7.7', '[fe80::7]', 'box', 'box.local'];
    const local = createAllowedHosts({ host: '127.0.0.1', allowedHosts: [] }, machine);
    const open = createAllowedHosts({ host: '0.0.0.0', allowedHosts: [] }, machine);
    for (const name of machine()) {
      expect(local.allowsHost(`${name}:7860`, 7860), name).toBe(false);
      expect(open.allowsHost(`${name}:7860`, 7860), name).toBe(true);
      expect(open.allowsHost(`${name}:7861`, 7860), name).toBe(false);
    }
    expect(open.allowsHost('evil.example:7860', 7860)).toBe(false);
    expect(open.allowsHost('localhost:7860', 7860)).toBe(true);
  });

  it('finds the names of this machine', () => {
    const open = createAllowedHosts({ host: '0.0.0.0', allowedHosts: [] });
    expect(open.allowsHost(`${hostname()}:7860`, 7860)).toBe(true);
    expect(open.allowsHost(`${hostname()}.local:7860`, 7860)).toBe(true);
  });

  it('allows a name without port where that is the port', () => {
    const hosts = createAllowedHosts({ host: '127.0.0.1', allowedHosts: [] });
    expect(hosts.allowsHost('localhost', 80)).toBe(true);
    expect(hosts.allowsHost('localhost', 7860)).toBe(false);
  });

  it('takes https for configured names only, which a proxy may serve', () => {
    const hosts = createAllowedHosts({ host: '127.0.0.1', allowedHosts: ['studio.example'] });
    expect(hosts.allowsOrigin('https://studio.example', 7860)).toBe(true);
    expect(hosts.allowsOrigin('http://studio.example', 7860)).toBe(true);
    expect(hosts.allowsOrigin('https://127.0.0.1:7860', 7860)).toBe(false);
  });
});

describe('the Origin header', () => {
  it.each([
    'http://127.0.0.1:PORT',
    'http://localhost:PORT',
    'http://studio.example',
    'https://studio.example',
  ])('may be %s', async (origin) => {
    expect(await statusFor({ origin: origin.replace('PORT', String(app.port)) })).toBe(200);
  });

  it.each([
    'null',
    '',
    'https://127.0.0.1:PORT',
    'http://127.0.0.1',
    'http://127.0.0.1:1',
    'http://127.0.0.1:PORT/',
    'http://127.0.0.1:PORT.evil.example',
    'http://user@127.0.0.1:PORT',
    'http://evil.example',
    'http://evil.example:PORT',
    'HTTP://127.0.0.1:PORT',
    'chrome-extension://abc',
    'file://',
    'http://127.0.0.1:PORT http://evil.example',
  ])('must not be "%s"', async (origin) => {
    const answer = await post(
      app.base,
      '/api/v1/jobs',
      { prompt: 'x' },
      { origin: origin.replaceAll('PORT', String(app.port)) },
    );
    expect(answer.status).toBe(403);
    expect(answer.json.type).toBe('origin-not-allowed');
    expect(app.queue.jobs).toHaveLength(0);
  });

  it('is refused for reading too, and never answered with CORS headers', async () => {
    const answer = await get(app.base, '/api/v1/images', { origin: 'http://evil.example' });
    expect(answer.status).toBe(403);
    const own = await get(app.base, '/api/v1/images', { origin: `http://127.0.0.1:${app.port}` });
    for (const { headers } of [answer, own])
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

describe('Sec-Fetch-Site', () => {
  it.each([
    ['none', 200],
    ['same-origin', 200],
    ['same-site', 403],
    ['cross-site', 403],
    ['', 403],
    ['anything', 403],
  ])('"%s" without Origin gives %d', async (site, status) => {
    expect(await statusFor({ 'sec-fetch-site': site }, '/api/v1/images')).toBe(status);
  });

  const navigation = {
    'sec-fetch-site': 'cross-site',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
  };

  it('lets a link elsewhere open the page', async () => {
    expect(await statusFor(navigation, '/')).toBe(200);
    expect(await statusFor(navigation, '/gallery')).toBe(200);
  });

  it.each([
    '/api/v1/images',
    '/API/v1/images',
    '/api',
    '/api?x',
    '/healthz/live',
    '/socket.io/?EIO=4&transport=polling',
  ])('lets a link elsewhere not open %s', async (path) => {
    expect(await statusFor(navigation, path)).toBe(403);
  });

  it('lets another site not embed the page or send a form to it', async () => {
    expect(await statusFor({ ...navigation, 'sec-fetch-dest': 'iframe' }, '/')).toBe(403);
    expect((await send(app.base, '/', { method: 'POST', headers: navigation })).status).toBe(403);
  });
});

describe('the page', () => {
  const CSP =
    "default-src 'self'; script-src 'self'; img-src 'self' blob: data:; connect-src 'self'; object-src 'none'; " +
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

  it.each(['/', '/index.html', '/gallery', '/gallery/2'])(
    'is served at %s, never cached, with its policy',
    async (path) => {
      const { status, headers, text } = await get(app.base, path);
      expect(status).toBe(200);
      expect(text).toContain('<title>Atelier</title>');
      expect(headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': CSP,
        'cache-control': 'no-cache',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
      });
      expect(headers['x-powered-by']).toBeUndefined();
    },
  );

  it('serves hashed files for good and others for a while', async () => {
    const asset = await get(app.base, '/assets/app-1a2b.js');
    expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(asset.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect((await get(app.base, '/icon.svg')).headers['cache-control']).toBe('public, max-age=3600');
  });

  it.each(['br', 'gzip'])('sends text compressed to whom can read %s', async (encoding) => {
    const { headers, bytes } = await get(app.base, '/assets/app-1a2b.js', { 'accept-encoding': encoding });
    expect(headers).toMatchObject({
      'content-encoding': encoding,
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'Accept-Encoding',
    });
    expect(bytes.length).toBeLessThan(100);
    const unpack = encoding === 'br' ? brotliDecompressSync : gunzipSync;
    expect(unpack(bytes).toString()).toMatch(/^export \{\};/);
    expect((await get(app.base, '/assets/app-1a2b.js')).headers['content-encoding']).toBeUndefined();
  });

  it.each([
    '/assets/gone.js',
    '/gone.png',
    '/.secret',
    '/assets/..%2f..%2f..%2f..%2fetc%2fpasswd',
    '/..%2f..%2fetc%2fpasswd',
    '/assets/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
    '/assets',
    '/api',
    '/api/v1',
    '/api/v1/nonsense',
    '/api/v2/jobs',
    '/healthz',
    '/%ff',
  ])('is not shown for %s', async (path) => {
    const { status, text, headers } = await get(app.base, path);
    expect(text).not.toContain('root:');
    expect(status).toBe(404);
    expect(headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(Problem.parse(JSON.parse(text)).type).toBe('not-found');
  });
});

describe('health', () => {
  it('is live and ready without details', async () => {
    expect((await get(app.base, '/healthz/live')).json).toEqual({ status: 'live' });
    expect((await get(app.base, '/healthz/ready')).json).toEqual({ status: 'ready' });
  });

  it.each(['starting', 'degraded', 'stopping'] as const)('is live but not ready while %s', async (status) => {
    const health = (await get(app.base, '/api/v1/health')).json;
    const ill = await startApp({ health: () => Promise.resolve({ ...health, status }) });
    const live = await get(ill.base, '/healthz/live');
    const ready = await get(ill.base, '/healthz/ready');
    await ill.close();
    expect(live.status).toBe(200);
    expect(ready.json).toMatchObject({ status: 503, type: 'not-ready' });
    expect(Number(ready.headers['retry-after'])).toBeGreaterThan(0);
    expect(ready.text).not.toContain(status);
  });

  it('does not answer for a service that throws, and goes on', async () => {
    const ill = await startApp({ health: () => Promise.reject(new Error('secret /etc/path')) });
    const answer = await get(ill.base, '/api/v1/health');
    const live = await get(ill.base, '/healthz/live');
    await ill.close();
    expect(answer.json).toMatchObject({
      status: 500,
      type: 'internal',
      instance: answer.headers['x-request-id'],
    });
    expect(answer.text).not.toContain('secret');
    expect(live.status).toBe(200);
  });
});
