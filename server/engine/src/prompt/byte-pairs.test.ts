import { describe, expect, it } from 'vitest';
import { BytePairs } from './byte-pairs.ts';
import { PriorityQueue } from './priority-queue.ts';

const [A, B, C] = [64, 65, 66]; // "a", "b", "c" in CLIP's alphabet
const END = 256;
const utf8 = new TextEncoder();

function encode(word: string, ...merges: [number, number][]): number[] {
  const packed = [...merges.map(([left]) => left), ...merges.map(([, right]) => right)];
  return new BytePairs(Uint16Array.from(packed)).encode(utf8.encode(word));
}

describe('BytePairs', () => {
  it('gives bytes where nothing merges, the last one marked', () => {
    expect(encode('abc')).toEqual([A, B, C + END]);
    expect(encode('!')).toEqual([END]);
  });

  it('prefers the better merge, wherever it stands', () => {
    expect(encode('abc', [B, C + END], [A, B])).toEqual([A, 512]);
    expect(encode('abc', [A, B], [B, C + END])).toEqual([512, C + END]);
  });

  it('merges what it has merged', () => {
    expect(encode('ababc', [A, B], [512, 512], [513, C + END])).toEqual([514]);
  });

  it('goes from left to right where a pair overlaps itself', () => {
    expect(encode('aaaab', [A, A])).toEqual([512, 512, B + END]);
    expect(encode('aaab', [A, A])).toEqual([512, A, B + END]);
  });
});

describe('PriorityQueue', () => {
  it('hands out numbers in ascending order', () => {
    const queue = new PriorityQueue();
    const numbers = Array.from({ length: 500 }, (_, i) => (i * 7919) % 503);
    numbers.forEach((number) => queue.push(number));
    const sorted = numbers.map(() => queue.pop());
    expect(sorted).toEqual(numbers.toSorted((a, b) => a - b));
    expect(queue.pop()).toBeUndefined();
  });
});
