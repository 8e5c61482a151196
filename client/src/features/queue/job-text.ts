import type { JobSnapshot } from '@atelier/contract';
import { duration, size, stageText } from '../../lib/text/format.ts';

/** One line on where a job stands. */
export function standing(job: JobSnapshot): string {
  switch (job.state) {
    case 'queued':
      return job.position === null || job.position === 0 ? 'Next' : `Waiting, ${job.position} before it`;
    case 'running': {
      if (job.progress === null) return 'Starting';
      const { etaMs, image, images } = job.progress;
      const which = images > 1 ? `Picture ${image + 1} of ${images}, ` : '';
      const text = stageText(job.progress);
      const rest = etaMs === null ? '' : `, about ${duration(etaMs)} left`;
      return `${which}${which === '' ? text : text.toLowerCase()}${rest}`;
    }
    case 'succeeded':
      return job.startedAt !== null && job.finishedAt !== null
        ? `Finished in ${duration(Date.parse(job.finishedAt) - Date.parse(job.startedAt))}`
        : 'Finished';
    case 'failed':
      return job.failure?.title ?? 'Failed';
    case 'cancelled':
      return job.images.length > 0 ? `Stopped after ${count(job.images.length)}` : 'Stopped';
  }
}

/** `2 pictures, 512 × 512, 20 steps`. */
export function extent({ settings }: JobSnapshot): string {
  const pictures = settings.batchCount * settings.batchSize;
  return `${pictures > 1 ? `${count(pictures)}, ` : ''}${size(settings)}, ${settings.steps} steps`;
}

const count = (pictures: number): string => (pictures === 1 ? '1 picture' : `${pictures} pictures`);
