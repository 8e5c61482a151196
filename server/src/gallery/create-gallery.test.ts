import type { ImageView } from '@atelier/contract';
import { createHash, randomUUID } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { silent } from '../../test/http/fakes.ts';
import { createEvents } from '../events.ts';
import { intents } from '../storage/images-table.ts';
import { claimJob, endJob, insertJob } from '../storage/jobs-table.ts';
import { openStorage, type Storage } from '../storage/open-storage.ts';
import { createGallery } from './create-gallery.ts';
import { dayFolder } from './file-name.ts';
import type { FinishedPicture, PictureStore } from './picture-store.ts';

let png: Buffer;
let folder: string;
let outputsDir: string;
let storage: Storage;
let gallery: PictureStore;
let jobId: string;
let announced: ImageView[];

beforeAll(async () => {
  const pixels = Buffer.from(Array.from({ length: 400 * 200 * 3 }, (_, i) => (i * 7919) % 251));
  png = await sharp(pixels, { raw: { width: 400, height: 200, channels: 3 } })
    .png()
    .toBuffer();
});
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-gallery-'));
  outputsDir = join(folder, 'outputs');
  storage = await openStorage(join(folder, 'data'), silent);
  announced = [];
  gallery = open();
  jobId = await runningJob();
});
afterEach(async () => {
  await gallery.close();
  await storage.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(): PictureStore {
  const events = createEvents();
  events.on('image:added', (image) => announced.push(image));
  return createGallery({ storage, events, log: silent, outputsDir });
}

async function runningJob(): Promise<string> {
  const id = randomUUID();
  const created_at = new Date().toISOString();
  await insertJob(storage.db, { id, user: 'local', settings: '{}', pictures: 4, created_at });
  await claimJob(storage.db, id, 1, created_at);
  return id;
}

const picture = (change: Partial<FinishedPicture> = {}): FinishedPicture => ({
  jobId,
  claim: 1,
  index: 0,
  seed: 7,
  width: 400,
  height: 200,
  parameters: 'a red apple\nSteps: 1',
  prompt: 'a red apple',
  png,
  ...change,
});
const pathOf = (image: ImageView): string => join(outputsDir, image.name);
const filesThere = (): string[] =>
  existsSync(outputsDir)
    ? readdirSync(outputsDir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
    : [];

test('keeps a picture with its text, and lists and announces it once', async () => {
  const image = await gallery.commit(picture());
  expect(image).toMatchObject({ jobId, index: 0, width: 400, height: 200, seed: 7, missing: false });
  expect(image.name).toBe(`${dayFolder(new Date())}/00001-7-a red apple.png`);
  const bytes = readFileSync(pathOf(image));
  expect(bytes.length).toBe(image.sizeBytes);
  expect((await sharp(bytes).metadata()).comments?.[0]?.text).toBe('a red apple\nSteps: 1');
  expect(announced).toEqual([image]);
  expect(await gallery.list({ limit: 10 })).toEqual({ images: [image], nextCursor: null });
  expect(await gallery.find(image.id)).toEqual(image);
  expect(filesThere()).toEqual(['00001-7-a red apple.png']);
});

test('answers a picture that is already there as it is', async () => {
  const image = await gallery.commit(picture());
  expect(await gallery.commit(picture())).toEqual(image);
  expect(announced).toHaveLength(1);
  expect(filesThere()).toHaveLength(1);
});

test('takes pictures only from the holder of the claim', async () => {
  await expect(gallery.commit(picture({ claim: 0 }))).rejects.toMatchObject({ type: 'conflict' });
  await endJob(storage.db, { id: jobId, claim: 1, seq: 2, state: 'cancelled', failure: null, at: '' });
  await expect(gallery.commit(picture())).rejects.toMatchObject({ type: 'conflict' });
  expect(filesThere()).toEqual([]);
  expect(await intents(storage.db)).toEqual([]);
});

test('turns away what is no picture, or another than it says', async () => {
  await expect(gallery.commit(picture({ png: png.subarray(0, 900) }))).rejects.toThrow(RangeError);
  await expect(gallery.commit(picture({ width: 200 }))).rejects.toThrow('Expected 200x200 pixels');
  expect(filesThere()).toEqual([]);
  expect(await intents(storage.db)).toEqual([]);
});

test('never replaces a file: neither one that was there nor one that comes later', async () => {
  const day = join(outputsDir, dayFolder(new Date()));
  mkdirSync(day, { recursive: true });
  writeFileSync(join(day, '00041-of somebody.png'), 'theirs');
  const first = await gallery.commit(picture());
  expect(first.name).toContain('/00042-');
  writeFileSync(join(day, '00043-7-a red apple.png'), 'theirs');
  const second = await gallery.commit(picture({ index: 1 }));
  expect(second.name).toContain('/00044-');
  expect(readFileSync(join(day, '00043-7-a red apple.png'), 'utf8')).toBe('theirs');
});

test('does not give the name of a lost picture to another', async () => {
  const lost = await gallery.commit(picture());
  rmSync(pathOf(lost));
  await gallery.close();
  gallery = open();
  const next = await gallery.commit(picture({ index: 1 }));
  expect(next.name).toContain('/00002-');
});

test('leaves nothing where the folder cannot be written, and works again after', async () => {
  const day = join(outputsDir, dayFolder(new Date()));
  mkdirSync(outputsDir, { recursive: true });
  writeFileSync(join(outputsDir, '.drafts'), 'in the way, also for one who may write everywhere');
  await expect(gallery.commit(picture())).rejects.toThrow();
  expect(await intents(storage.db)).toEqual([]);
  expect(existsSync(day) ? readdirSync(day) : []).toEqual([]);
  rmSync(join(outputsDir, '.drafts'));
  await gallery.commit(picture());
});

test('flags a picture that is gone or damaged, and clears it when the file is back', async () => {
  const image = await gallery.commit(picture());
  const path = pathOf(image);
  const whole = readFileSync(path);
  const gone = { type: 'gone' };

  renameSync(path, `${path}.aside`);
  await expect(gallery.file(image.id)).rejects.toMatchObject(gone);
  expect((await gallery.find(image.id))?.missing).toBe(true);
  renameSync(`${path}.aside`, path);
  expect((await gallery.file(image.id)).sizeBytes).toBe(image.sizeBytes);
  expect((await gallery.find(image.id))?.missing).toBe(false);

  truncateSync(path, 100);
  await expect(gallery.file(image.id)).rejects.toMatchObject(gone);
  writeFileSync(path, Buffer.alloc(whole.length));
  await expect(gallery.thumbnail(image.id)).rejects.toMatchObject(gone);
  writeFileSync(path, whole); // another time, the same contents
  expect((await gallery.file(image.id)).path).toBe(path);
  expect((await gallery.list({ limit: 1 })).images[0]?.missing).toBe(false);
});

test('finds missing pictures by itself after the start', async () => {
  const image = await gallery.commit(picture());
  rmSync(pathOf(image));
  await gallery.start();
  await expect.poll(async () => (await gallery.find(image.id))?.missing).toBe(true);
});

test('serves nothing that lies outside the outputs folder', async () => {
  const image = await gallery.commit(picture());
  const path = pathOf(image);
  const outside = join(folder, 'outside.png');
  linkSync(path, outside);
  rmSync(path);
  symlinkSync(outside, path);
  await expect(gallery.file(image.id)).rejects.toMatchObject({ type: 'gone' });
});

test('serves pictures where the outputs folder itself is a link', async () => {
  const real = join(folder, 'elsewhere');
  mkdirSync(real);
  rmSync(outputsDir, { recursive: true });
  symlinkSync(real, outputsDir);
  const image = await gallery.commit(picture());
  expect((await gallery.file(image.id)).path.startsWith(real)).toBe(true);
});

test('makes small WebP copies once, also when asked many times at once', async () => {
  const image = await gallery.commit(picture());
  const asked = await Promise.all(Array.from({ length: 8 }, () => gallery.thumbnail(image.id)));
  const { path, sizeBytes, type, etag } = asked[0] as (typeof asked)[number];
  expect(asked.every((file) => file.etag === etag)).toBe(true);
  expect(type).toBe('image/webp');
  expect(await sharp(path).metadata()).toMatchObject({ format: 'webp', width: 320, height: 160 });
  expect(sizeBytes).toBe(readFileSync(path).length);
  expect(readdirSync(dirname(path))).toHaveLength(1);
  utimesSync(path, 1, 1);
  expect((await gallery.thumbnail(image.id)).etag).not.toBe(etag); // not made again
});

test('pages through pictures, newest first, while new ones come', async () => {
  for (let index = 0; index < 4; index += 1) await gallery.commit(picture({ index, seed: index }));
  const first = await gallery.list({ limit: 2 });
  jobId = await runningJob();
  await gallery.commit(picture({ seed: 99 }));
  const second = await gallery.list({ limit: 2, cursor: first.nextCursor as string });
  expect([...first.images, ...second.images].map(({ index }) => index)).toEqual([3, 2, 1, 0]);
  expect(second.nextCursor).toBeNull();
  await expect(gallery.list({ limit: 2, cursor: 'x' })).rejects.toMatchObject({ type: 'invalid-request' });
});

test('lists the pictures of jobs in order', async () => {
  await gallery.commit(picture({ index: 2 }));
  await gallery.commit(picture({ index: 0 }));
  const byJob = await gallery.ofJobs([jobId, 'another']);
  expect(byJob.get(jobId)?.map(({ index }) => index)).toEqual([0, 2]);
  expect(byJob.get('another')).toEqual([]);
});

test('knows no picture by an id that was never given', async () => {
  await expect(gallery.file(randomUUID())).rejects.toMatchObject({ type: 'not-found' });
  expect(await gallery.find(randomUUID())).toBeNull();
});

test('stores the hash of what it wrote', async () => {
  const image = await gallery.commit(picture());
  const sha256 = createHash('sha256')
    .update(readFileSync(pathOf(image)))
    .digest('hex');
  expect((await gallery.file(image.id)).etag).toBe(`"${sha256.slice(0, 32)}"`);
});
