import { describe, expect, it } from 'vitest';
import { takeTags } from './extra-networks.ts';
import { readLoraTag } from './lora-tag.ts';

const read = (prompt: string) => {
  const { text, tags } = takeTags(prompt);
  return [text, ...tags.map(({ name, positional, named }) => [name, positional, Object.fromEntries(named)])];
};

describe('takeTags', () => {
  it.each<[string, unknown[]]>([
    ['a <lora:x:0.8> b', ['a  b', ['lora', ['x', '0.8'], {}]]],
    ['<a:b><c:d:e=f:g>', ['', ['a', ['b'], {}], ['c', ['d', 'g'], { e: 'f' }]]],
    ['<a:b=c=d>', ['', ['a', ['b=c=d'], {}]]],
    ['<a:=:b=>', ['', ['a', [], { '': '', b: '' }]]],
    ['<a:x<b:y>z', ['z', ['a', ['x<b', 'y'], {}]]],
    ['<é_1:\n>', ['', ['é_1', ['\n'], {}]]],
    ['<<a:b>', ['<', ['a', ['b'], {}]]],
    ['<a:><b:c>', ['<a:>', ['b', ['c'], {}]]],
    ['<a b:c> <a> <:b> < a:b> <a:b', ['<a b:c> <a> <:b> < a:b> <a:b']],
  ])('reads %j', (prompt, expected) => {
    expect(read(prompt)).toEqual(expected);
  });
});

describe('readLoraTag', () => {
  const wish = (tag: string) => readLoraTag(takeTags(`<lora:${tag}>`).tags[0]!);

  it.each([
    ['x', { name: 'x', text: 1, unet: 1, rank: null }],
    ['x:0.5', { name: 'x', text: 0.5, unet: 0.5, rank: null }],
    ['x:.5:-1:8', { name: 'x', text: 0.5, unet: -1, rank: 8 }],
    ['x:0.5:unet=2', { name: 'x', text: 0.5, unet: 2, rank: null }],
    ['x:te=0:dyn=4', { name: 'x', text: 0, unet: 0, rank: 4 }],
    ['x:1e-1', { name: 'x', text: 0.1, unet: 0.1, rank: null }],
  ])('reads %j', (tag, expected) => {
    expect(wish(tag)).toEqual(expected);
  });

  it.each([':1', 'x:', 'x:one', 'x:1:0x2', 'x:1:1:1.5', 'x:Infinity', 'te=1'])('leaves out %j', (tag) => {
    expect(wish(tag)).toBeNull();
  });
});
