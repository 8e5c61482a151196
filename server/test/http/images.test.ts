import { ImageList, Problem } from '@atelier/contract';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { contentDisposition } from '../../src/http/content-disposition.ts';
import { get, send } from './send.ts';
import { startApp, type StartedApp } from './start-app.ts';

const IMAGES = '/api/v1/images';
let app: StartedApp;
let folder: string;
let path: string;
beforeAll(async () => {
  app = await startApp();
  // Below a folder with a leading dot, as outputs may be.
  folder = await mkdtemp(join(tmpdir(), '.atelier-images-'));
  path = join(folder, 'a.png');
  await writeFile(path, '0123456789');
});
afterAll(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => app.gallery.images.clear());

describe('pictures', () => {
  it('are listed newest first, in pages', async () => {
    const ids = [0, 1, 2].map(() => app.gallery.add(path).id);
    const first = ImageList.parse((await get(app.base, `${IMAGES}?limit=2`)).json);
    const second = ImageList.parse(
      (await get(app.base, `${IMAGES}?limit=2&cursor=${first.nextCursor}`)).json,
    );
    expect([...first.images, ...second.images].map(({ id }) => id)).toEqual(ids.toReversed());
    expect(second.nextCursor).toBeNull();
  });

  it('are shown by id', async () => {
    const { id } = app.gallery.add(path);
    expect((await get(app.base, `${IMAGES}/${id}`)).json.id).toBe(id);
  });

  it.each(['', '/file', '/thumbnail'])('that are unknown are not found (%s)', async (what) => {
    for (const id of ['0b0ef0a6-0000-4000-8000-000000000000', 'x', '..%2f..%2fetc%2fpasswd', '%00']) {
      const answer = await get(app.base, `${IMAGES}/${id}${what}`);
      expect(answer.status).toBe(404);
      expect(Problem.parse(answer.json).type).toBe('not-found');
    }
  });
});

describe('the file of a picture', () => {
  it('is shown in place, with its type, never sniffed or run, and kept by browsers', async () => {
    const { id } = app.gallery.add(path, { name: '2026-01-31/00001-1-rød "æble".png' });
    const { status, headers, text } = await get(app.base, `${IMAGES}/${id}/file`);
    expect(status).toBe(200);
    expect(text).toBe('0123456789');
    expect(headers).toMatchObject({
      'content-type': 'image/png',
      'content-length': '10',
      'content-security-policy': 'sandbox',
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, max-age=31536000, immutable',
      etag: `"${id}"`,
      'content-disposition': `inline; filename="00001-1-r_d __ble_.png"; filename*=UTF-8''00001-1-r%C3%B8d%20%22%C3%A6ble%22.png`,
    });
  });

  it('is saved under its name when asked', async () => {
    const { id } = app.gallery.add(path, { name: '2026-01-31/00001-1-a red apple.png' });
    const { headers } = await get(app.base, `${IMAGES}/${id}/file?download=1`);
    expect(headers['content-disposition']).toMatch(/^attachment; filename="00001-1-a red apple.png"/);
  });

  it('is not sent again to who has it', async () => {
    const { id } = app.gallery.add(path);
    const again = await get(app.base, `${IMAGES}/${id}/file`, { 'if-none-match': `"${id}"` });
    expect(again.status).toBe(304);
    expect(again.bytes).toHaveLength(0);
    expect((await get(app.base, `${IMAGES}/${id}/file`, { 'if-none-match': '"other"' })).status).toBe(200);
  });

  it('is sent in part when asked', async () => {
    const { id } = app.gallery.add(path);
    const part = await get(app.base, `${IMAGES}/${id}/file`, { range: 'bytes=2-4' });
    expect([part.status, part.text, part.headers['content-range']]).toEqual([206, '234', 'bytes 2-4/10']);
    const beyond = await get(app.base, `${IMAGES}/${id}/file`, { range: 'bytes=20-' });
    expect(beyond.status).toBe(416);
    expect(Problem.parse(beyond.json).status).toBe(416);
  });

  it('can be asked about without being sent', async () => {
    const { id } = app.gallery.add(path);
    const head = await send(app.base, `${IMAGES}/${id}/file`, { method: 'HEAD' });
    expect([head.status, head.bytes.length, head.headers['content-length']]).toEqual([200, 0, '10']);
  });

  it.each(['/file', '/thumbnail'])('that is missing is gone (%s)', async (what) => {
    const { id } = app.gallery.add(path, { missing: true });
    expect((await get(app.base, `${IMAGES}/${id}${what}`)).json).toMatchObject({ status: 410, type: 'gone' });
    const vanished = app.gallery.add(join(folder, 'vanished.png')).id;
    const answer = await get(app.base, `${IMAGES}/${vanished}${what}`);
    expect(answer.json).toMatchObject({ status: 410, type: 'gone' });
    expect(answer.text).not.toContain(folder);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store' });
    expect(answer.headers.etag).toBeUndefined();
    expect(answer.headers['content-disposition']).toBeUndefined();
  });

  it('has a small version', async () => {
    const { id } = app.gallery.add(path);
    const { headers } = await get(app.base, `${IMAGES}/${id}/thumbnail`);
    expect(headers).toMatchObject({ 'content-type': 'image/webp', 'content-security-policy': 'sandbox' });
  });
});

describe('contentDisposition', () => {
  it.each([
    ['a.png', 'filename="a.png"; filename*=UTF-8\'\'a.png'],
    ['猫.png', 'filename="_.png"; filename*=UTF-8\'\'%E7%8C%AB.png'],
    ["a'(b)*!.png", "filename=\"a'(b)*!.png\"; filename*=UTF-8''a%27%28b%29%2A%21.png"],
    ['a\r\nX: y', 'filename="a__X: y"; filename*=UTF-8\'\'a%0D%0AX%3A%20y'],
    ['\ud800.png', 'filename="_.png"; filename*=UTF-8\'\'%EF%BF%BD.png'],
  ])('spells %j for old and new programs', (name, expected) => {
    expect(contentDisposition('inline', name)).toBe(`inline; ${expected}`);
  });
});
