import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PATIENT } from './patient.ts';
import { get, send, sendRaw } from './send.ts';
import { startApp, type StartedApp } from './start-app.ts';

let app: StartedApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const many = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, '1']));
const alive = async (): Promise<void> => expect((await get(app.base, '/healthz/live')).status).toBe(200);

describe('headers', () => {
  it('are limited to 100', async () => {
    // Host and Connection are sent besides.
    expect((await get(app.base, '/healthz/live', many(98))).status).toBe(200);
    const answer = await get(app.base, '/healthz/live', many(99));
    expect(answer.json).toMatchObject({ status: 431, title: 'Request Header Fields Too Large' });
    expect((await get(app.base, '/healthz/live', many(900))).status).toBe(431);
  });

  it('are limited to 16 KiB', async () => {
    const answer = await get(app.base, '/healthz/live', { 'x-long': 'x'.repeat(17 * 1024) });
    expect(answer.json).toMatchObject({ status: 431 });
    await alive();
  });
});

describe('bytes that are no HTTP', () => {
  it.each([
    ['nonsense', 'hello\r\n\r\n'],
    ['a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00'],
    ['a bad header name', 'GET / HTTP/1.1\r\nHo st: x\r\n\r\n'],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx'],
    [
      'length and chunks',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a bad chunk', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
  ])('(%s) end their connection only', async (_name, bytes) => {
    expect(await sendRaw(app.base, bytes)).toMatch(/^HTTP\/1\.1 4\d\d /);
    await alive();
  });
});

describe('a body that never ends', () => {
  it('is refused after 1 MiB and then cut off', async () => {
    const socket = connect(app.port, '127.0.0.1');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
    socket.on('error', () => undefined); // cut off while sending
    socket.write(
      `POST /api/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1:${app.port}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
    const feed = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', feed);
    feed();
    await closed;
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    await alive();
  });
});

describe('connections', () => {
  it('of one address are limited to 64, and room comes back', async () => {
    const sockets: Socket[] = [];
    for (let i = 0; i < 64; i++) {
      const socket = connect(app.port, '127.0.0.1');
      await once(socket.resume(), 'connect');
      sockets.push(socket);
    }
    await expect(get(app.base, '/healthz/live')).rejects.toThrow(/ECONNRESET|hang up/);
    const closed = sockets.map((socket) => once(socket, 'close'));
    for (const socket of sockets) socket.end();
    await Promise.all(closed);
    await expect
      .poll(async () => (await send(app.base, '/healthz/live').catch(() => null))?.status, PATIENT)
      .toBe(200);
  });
});
