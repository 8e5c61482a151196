import { expect, test } from 'vitest';
import { Progress } from './progress.ts';

function follow(options: { images: number; kept?: number; steps: number }) {
  let time = 0;
  const progress = new Progress({ kept: 0, ...options, now: () => time });
  return { progress, after: (ms: number): Progress => ((time += ms), progress) };
}

test('knows no end before a step was measured', () => {
  const { after } = follow({ images: 1, steps: 4 });
  after(0).note({ type: 'encoding', image: 0 });
  after(5000).note({ type: 'loading', network: 'UNet' });
  const progress = after(9000);
  progress.note({ type: 'step', image: 0, step: 1, steps: 4 });
  expect(progress.now()).toMatchObject({ stage: 'sampling', step: 1, etaMs: null });
});

test('measures steps, and counts them over all pictures', () => {
  const { after } = follow({ images: 3, steps: 4 });
  after(0).note({ type: 'conditioned', image: 0 });
  for (let step = 1; step <= 2; step += 1) after(100).note({ type: 'step', image: 0, step, steps: 4 });
  // 2 steps and a decoding here, 2 · (4 steps and a decoding) to come; decoding is taken for a step.
  expect(after(0).now()).toMatchObject({ fraction: 2 / 5 / 3, etaMs: 1300 });
  expect(after(50).now().etaMs).toBe(1250);
});

test('counts pictures of an earlier attempt as done', () => {
  const { after } = follow({ images: 4, kept: 3, steps: 1 });
  const progress = after(0);
  expect(progress.now().fraction).toBe(0.75);
  progress.note({ type: 'conditioned', image: 2 });
  after(10).note({ type: 'step', image: 2, step: 1, steps: 1 });
  expect(progress.now()).toMatchObject({ image: 2, fraction: 3.5 / 4 });
  after(30).note({ type: 'picture', image: 2, width: 8, height: 8, schedule: '', png: new Uint8Array() });
  expect(progress.now()).toMatchObject({ stage: 'saving', fraction: 1, etaMs: 0 });
});

test('never goes back', () => {
  const { after } = follow({ images: 2, steps: 3 });
  let last = 0;
  const check = (): void => {
    const { fraction } = after(0).now();
    expect(fraction).toBeGreaterThanOrEqual(last);
    last = fraction;
  };
  for (const image of [0, 1]) {
    for (const event of [
      { type: 'encoding', image },
      { type: 'loading', network: 'VAE decoder' },
      { type: 'conditioned', image },
      ...[1, 2, 3].map((step) => ({ type: 'step' as const, image, step, steps: 3 })),
      { type: 'decoding', image },
      { type: 'picture', image, width: 8, height: 8, schedule: '', png: new Uint8Array() },
    ] as const) {
      after(10).note(event);
      check();
    }
  }
  expect(last).toBe(1);
});
