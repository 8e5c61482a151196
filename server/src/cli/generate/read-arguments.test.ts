import { describe, expect, it } from 'vitest';
import { readGenerateArguments } from './read-arguments.ts';

describe('arguments of generate', () => {
  it('become a request that holds only what was given', () => {
    expect(readGenerateArguments(['a red apple']).request).toEqual({ prompt: 'a red apple' });
    const all =
      '-n worm -m starter --sampler Euler --scheduler Karras --steps 12 --size 128x96 --cfg 3.5 --count 2';
    expect(readGenerateArguments(['a red apple', ...all.split(' '), '--seed', '7']).request).toEqual({
      prompt: 'a red apple',
      negativePrompt: 'worm',
      model: 'starter',
      sampler: 'Euler',
      scheduler: 'Karras',
      steps: 12,
      width: 128,
      height: 96,
      cfgScale: 3.5,
      batchCount: 2,
      seed: 7,
    });
  });

  it('take a negative seed with or without an equals sign', () => {
    expect(readGenerateArguments(['x', '--seed', '-1']).request['seed']).toBe(-1);
    expect(readGenerateArguments(['x', '--seed=-1']).request['seed']).toBe(-1);
  });

  it('name the output and the threads', () => {
    const { output, threads, modelsDir } = readGenerateArguments([
      'x',
      '-o',
      '-',
      '--threads',
      '2',
      '--models',
      '/m',
    ]);
    expect({ output, threads, modelsDir }).toEqual({ output: '-', threads: 2, modelsDir: '/m' });
    expect(readGenerateArguments(['x', '--threads', '0']).threads).toBeNull();
  });

  it('need no prompt to ask for help', () => {
    expect(readGenerateArguments(['--help']).help).toBe(true);
  });

  it.each([
    [[], 'Say what to draw'],
    [['a', 'red', 'apple'], 'in quotes: "a red apple"'],
    [['x', '--size', '512'], '--size must be width x height'],
    [['x', '--size', '512x'], '--size must be width x height'],
    [['x', '--steps', 'many'], '--steps must be a number, but "many" was given'],
    [['x', '--steps', ''], '--steps must be a number'],
    [['x', '--cfg', 'Infinity'], '--cfg must be a number'],
    [['x', '--threads', '1.5'], '--threads must be a whole number'],
    [['x', '--colour', 'red'], "Unknown option '--colour'"],
    [['x', '--steps'], "'--steps <value>' argument missing"],
  ])('are refused in a sentence: %j', (argv, sentence) => {
    expect(() => readGenerateArguments(argv)).toThrow(sentence);
  });
});
