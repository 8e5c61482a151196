import { expect, it } from 'vitest';
import type { DrawEvent } from '../../workers/worker.ts';
import { ProgressLine } from './progress-line.ts';

const step = (step: number, image = 0): DrawEvent => ({ type: 'step', image, step, steps: 10 });
const picture: DrawEvent = {
  type: 'picture',
  image: 0,
  width: 8,
  height: 8,
  schedule: '',
  png: new Uint8Array(),
};

it('says what it waits for before the first step', () => {
  const line = new ProgressLine(1);
  expect(line.text()).toBe(`[${'░'.repeat(24)}]   0 %  starting`);
  line.note({ type: 'loading', network: 'UNet' });
  expect(line.text()).toContain('loading the UNet');
});

it('shows the share of all pictures, and the time left from the steps so far', () => {
  let now = 0;
  const line = new ProgressLine(2, () => now);
  line.note(step(1));
  expect(line.text()).not.toContain('left');
  for (const done of [2, 3, 4, 5]) {
    now += 500;
    line.note(step(done));
  }
  expect(line.text()).toBe(`[${'█'.repeat(6)}${'░'.repeat(18)}]  25 %  picture 1/2  step 5/10  8 s left`);
});

it('goes on with the next picture', () => {
  const line = new ProgressLine(2);
  line.note(step(10));
  line.note(picture);
  expect(line.text()).toContain(' 50 %  picture 2/2  saving');
  line.note({ type: 'encoding', image: 1 });
  line.note(step(5, 1));
  expect(line.text()).toContain(' 75 %  picture 2/2  step 5/10');
  line.note(picture);
  expect(line.text()).toContain('100 %  picture 2/2');
});
