import { expect, test } from 'vitest';
import { FakeServer } from '../../test/fake-server.ts';
import { sampleImage, uuid } from '@atelier/contract/samples';
import { Api } from '../api/api.ts';
import { Images } from './images.svelte.ts';

const gallery = (count: number): FakeServer => {
  const server = new FakeServer();
  server.images = Array.from({ length: count }, (_, index) => sampleImage(count - index));
  return server;
};

test('pages follow each other, newest first, up to the oldest', async () => {
  const images = new Images(new Api(gallery(130).fetch));
  await images.refresh();
  expect(images.list).toHaveLength(60);
  while (images.hasMore) await images.more();
  expect(images.list).toHaveLength(130);
  expect(images.list[0]?.id).toBe(uuid(1130));
  expect(images.list.at(-1)?.id).toBe(uuid(1001));
});

test('a picture that is announced and listed is shown once', async () => {
  const server = gallery(2);
  const images = new Images(new Api(server.fetch));
  images.add(sampleImage(2));
  await images.refresh();
  images.add(sampleImage(3));
  images.add(sampleImage(3, { missing: true }));
  expect(images.list.map(({ id }) => id)).toEqual([uuid(1003), uuid(1002), uuid(1001)]);
  expect(images.list[0]?.missing).toBe(true);
});

test('pictures of one batch stand last first', async () => {
  const images = new Images(new Api(gallery(0).fetch));
  const when = { createdAt: '2026-01-01T00:00:00.000Z' };
  images.add(sampleImage(1, { ...when, index: 0 }));
  images.add(sampleImage(2, { ...when, index: 1 }));
  expect(images.list.map(({ index }) => index)).toEqual([1, 0]);
});

test('a failed first read is a state of its own, and a later one mends it', async () => {
  const server = gallery(1);
  const images = new Images(new Api(server.fetch));
  server.reachable = false;
  await expect(images.refresh()).rejects.toThrow();
  expect(images.status).toBe('failed');
  server.reachable = true;
  await images.refresh();
  expect(images.status).toBe('ready');
});
