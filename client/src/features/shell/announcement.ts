import type { JobSnapshot } from '@atelier/contract';

/**
 * What a screen reader is told about a job: stages and quarters, not every step.
 * The same words mean nothing new, so nothing is said.
 */
export function announcement(job: JobSnapshot | null): string {
  if (job === null) return '';
  switch (job.state) {
    case 'queued':
      return 'Waiting in the queue';
    case 'running': {
      if (job.progress === null) return 'Started';
      if (job.progress.stage === 'loading') return 'Loading the model';
      return `Drawing, ${Math.floor(job.progress.fraction * 4) * 25} percent`;
    }
    case 'succeeded':
      return job.images.length === 1
        ? 'The picture is finished'
        : `${job.images.length} pictures are finished`;
    case 'failed':
      return `Failed: ${job.failure?.detail ?? 'no reason given'}`;
    case 'cancelled':
      return 'Stopped';
  }
}
