import type { DrawEvent, DrawTask } from '../worker.ts';
import { breath } from './breath.ts';
import type { EngineDriver } from './driver.ts';
import { encodePng } from './encode.ts';
import { Previews } from './previews.ts';

/**
 * Draws the pictures of a task one by one, so that a picture depends on its own seed only.
 * @returns false if the signal ended it. Errors are the engine's.
 */
export async function drawTask(
  driver: EngineDriver,
  task: DrawTask,
  signal: AbortSignal,
  emit: (event: DrawEvent) => void,
): Promise<boolean> {
  const previews = new Previews();
  for (const { index, seed } of task.pictures) {
    if (signal.aborted) return false;
    emit({ type: 'encoding', image: index });
    const { settings, modelPath, attempt } = task;
    for await (const event of driver.draw({ settings, seed, modelPath, attempt, signal })) {
      switch (event.type) {
        case 'loading':
          emit(event);
          break;
        case 'conditioned':
          emit({ type: 'conditioned', image: index });
          break;
        case 'step': {
          const { step, steps } = event;
          emit({ type: 'step', image: index, step, steps });
          const data = step < steps ? await previews.ifDue(event.preview) : null;
          if (data !== null) emit({ type: 'preview', image: index, step, mime: 'image/webp', data });
          break;
        }
        case 'decoding':
          emit({ type: 'decoding', image: index });
          break;
        case 'image': {
          const { width, height } = event.image;
          const schedule = driver.scheduleLabel(settings);
          emit({ type: 'picture', image: index, width, height, schedule, png: await encodePng(event.image) });
          break;
        }
      }
      await breath();
      if (signal.aborted) return false;
    }
  }
  return !signal.aborted;
}
