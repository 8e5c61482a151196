import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { WorkerOptions } from '../messages.ts';
import type { DriverEvent, DriverRequest, EngineDriver, Pixels } from './driver.ts';
import { failAs, scriptedFailures } from './scripted-failure.ts';

/**
 * An engine without weights, for testing what surrounds one. Its picture is a function of size, steps, seed and
 * prompt; it takes `stepMs` for a step; with `allowFailures` a prompt may script its end.
 */
export function fakeDriver({ stepMs, allowFailures }: WorkerOptions['fake']): EngineDriver {
  return {
    scheduleLabel: ({ scheduler }) => scheduler,
    async *draw({ settings, seed, attempt, signal }: DriverRequest): AsyncGenerator<DriverEvent, void> {
      const { prompt, steps, width, height } = settings;
      const failures = allowFailures ? scriptedFailures(prompt) : [];
      const waves = wavesOf(`${prompt}\0${seed}\0${steps}\0${width}x${height}`);
      yield { type: 'loading', network: 'fake' };
      yield { type: 'conditioned' };
      for (let step = 1; step <= steps; step += 1) {
        await setTimeout(stepMs, undefined, { signal }).catch(() => undefined); // an abort only ends the wait
        if (signal.aborted) return;
        for (const failure of failures) {
          const isMeant = (failure.attempt ?? attempt) === attempt && (failure.seed ?? seed) === seed;
          if (failure.step === step && isMeant) failAs(failure.kind);
        }
        const sharpness = step / steps;
        const preview = (): Promise<Pixels> =>
          Promise.resolve(paint(waves, width / 8, height / 8, sharpness));
        yield { type: 'step', step, steps, preview };
      }
      yield { type: 'decoding' };
      yield { type: 'image', image: paint(waves, width, height, 1) };
    },
  };
}

/** One cosine a channel: cycles over the width and the height, and where it begins. */
type Wave = readonly [across: number, down: number, phase: number];

function wavesOf(text: string): Wave[] {
  const bytes = createHash('sha256').update(text).digest();
  return [0, 1, 2].map((channel) => {
    const [across = 0, down = 0, phase = 0] = bytes.subarray(channel * 3);
    return [1 + across / 64, 1 + down / 64, phase / 256];
  });
}

function paint(waves: readonly Wave[], width: number, height: number, contrast: number): Pixels {
  const data = new Uint8Array(width * height * 3);
  let at = 0;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      for (const [across, down, phase] of waves) {
        const turns = (across * x) / width + (down * y) / height + phase;
        data[at++] = Math.round(127.5 + 127.5 * contrast * Math.cos(2 * Math.PI * turns));
      }
    }
  }
  return { data, width, height };
}
