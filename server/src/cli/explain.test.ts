import { EngineError } from '@atelier/engine';
import { expect, it } from 'vitest';
import { AppError } from '../errors.ts';
import { explain } from './explain.ts';

it('lists wrong fields by what they are called here', () => {
  const errors = [
    { pointer: '/cfgScale', detail: 'must be at most 100, but 300 came' },
    { pointer: '/steps', detail: 'must be at most 150, but 151 came' },
  ];
  expect(explain(new AppError('invalid-request', { detail: 'Two fields.', errors }))).toEqual({
    text: '--cfg must be at most 100, but 300 came.\n--steps must be at most 150, but 151 came.',
    exitCode: 2,
  });
});

it('says what to do where that is known', () => {
  const missing = new AppError('model-not-found', { detail: 'No such model.', hint: 'Choose one of: a, b.' });
  expect(explain(missing)).toEqual({ text: 'No such model.\nChoose one of: a, b.', exitCode: 1 });
  const memory = new EngineError('out-of-memory', 'Not enough.', { hint: 'Draw smaller.' });
  expect(explain(memory)).toEqual({ text: 'Not enough.\nDraw smaller.', exitCode: 1 });
});

it('tells a file that cannot be written from a bug', () => {
  const refused = Object.assign(new Error("EACCES: permission denied, open '/a.png'"), { syscall: 'open' });
  expect(explain(refused).text).toMatch(/^The picture could not be written: EACCES/);
  expect(explain(new TypeError('x is undefined')).text).toContain('please report it');
});
