import { expect, test } from 'vitest';
import { fairOrder } from './fair-order.ts';

const jobs = (users: string): { user: string; number: number }[] =>
  Array.from(users, (user, index) => ({ user, number: index + 1 }));
const order = (users: string, served: Record<string, number> = {}): string =>
  fairOrder(jobs(users), new Map(Object.entries(served)))
    .map(({ user, number }) => `${user}${number}`)
    .join(' ');

test('keeps the order of arrival for one user', () => {
  expect(order('aaa')).toBe('a1 a2 a3');
});

test('lets users take turns, the longest waiting first', () => {
  expect(order('aaabbc')).toBe('a1 b4 c6 a2 b5 a3');
  expect(order('aaabbc', { a: 9, b: 8, c: 7 })).toBe('c6 b4 a1 b5 a2 a3');
});

test('starts the job of an idle user after at most one of each other user', () => {
  const names = order('aaaaabbbbbz', { a: 5, b: 6, z: 7 }).split(' ');
  expect(names.indexOf('z11')).toBe(2);
});

test('puts a user who was never served before those who were', () => {
  expect(order('aab', { a: 1 })).toBe('b3 a1 a2');
});

test('orders a thousand jobs of a thousand users without hanging', () => {
  const many = Array.from({ length: 1000 }, (_, i) => ({ user: `user ${i}`, number: i }));
  const started = performance.now();
  expect(fairOrder(many, new Map())).toEqual(many);
  // Against hanging; not a measurement.
  expect(performance.now() - started).toBeLessThan(5000);
});
