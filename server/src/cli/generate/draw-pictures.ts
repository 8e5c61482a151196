import { randomUUID } from 'node:crypto';
import type { GenerationSettings } from '@atelier/contract';
import { drawTask } from '../../workers/child/draw-task.ts';
import { realDriver } from '../../workers/child/real-driver.ts';
import type { DrawEvent } from '../../workers/worker.ts';

export interface DrawnPicture {
  index: number;
  seed: number;
  /** Label of the schedule that was used. */
  schedule: string;
  /** A whole PNG without text. */
  png: Uint8Array;
}

interface Work {
  settings: GenerationSettings;
  modelPath: string;
  threads: number | null;
  signal: AbortSignal;
}

/** Draws as the server's worker does, picture by picture; ends early, within one step, when the signal is aborted. */
export async function* drawPictures(
  { settings, modelPath, threads, signal }: Work,
  onEvent: (event: DrawEvent) => void,
): AsyncGenerator<DrawnPicture, void> {
  const driver = realDriver({ threads });
  const count = settings.batchCount * settings.batchSize;
  for (let index = 0; index < count && !signal.aborted; index += 1) {
    const seed = (settings.seed + index) % 2 ** 32;
    const drawn: DrawnPicture[] = [];
    const task = {
      ...{ jobId: randomUUID(), claim: 1, attempt: 1 },
      ...{ settings, modelPath, pictures: [{ index, seed }] },
    };
    await drawTask(driver, task, signal, (event) => {
      if (event.type === 'picture') drawn.push({ index, seed, schedule: event.schedule, png: event.png });
      onEvent(event);
    });
    yield* drawn;
  }
}
