import type { PictureStore } from '../gallery/picture-store.ts';
import type { Log } from '../log.ts';
import { endJob, jobsIn, requeueJob, skipSequenceNumbers, type EndState } from '../storage/jobs-table.ts';
import type { Storage } from '../storage/open-storage.ts';
import type { JobRow } from '../storage/schema.ts';
import { triedTooOften } from './tried-too-often.ts';
import { jobFailure } from '../workers/failures.ts';

interface Parts {
  storage: Storage;
  gallery: Pick<PictureStore, 'ofJobs'>;
  /** How often a job may be tried. */
  attempts: number;
  log: Log;
}

/** More changes than a job can have had since its row was last written. */
const SEQUENCE_LEAP = 2 ** 20;

/**
 * Takes up what the last server left: jobs that ran when it died go back to where they were in the queue, unless
 * they were complete, cancelled, or had been tried too often.
 */
export async function recoverJobs({ storage, gallery, attempts, log }: Parts): Promise<void> {
  await skipSequenceNumbers(storage.db, SEQUENCE_LEAP);
  const rows = await jobsIn(storage.db, 'running');
  const pictures = await gallery.ofJobs(rows.map(({ id }) => id));
  for (const row of rows) {
    const end = endOf(row, pictures.get(row.id)?.length ?? 0, attempts);
    const seq = row.seq + 1;
    if (end === null) await requeueJob(storage.db, { id: row.id, claim: row.claim, seq, takeBack: false });
    else {
      const died = jobFailure('worker-crashed', 'The server ended while the job was running.');
      const failure = end === 'failed' ? triedTooOften(died, row.attempt) : null;
      const at = new Date().toISOString();
      await endJob(storage.db, { id: row.id, claim: row.claim, seq, state: end, failure, at });
    }
    log.info('An interrupted job was taken up.', {
      jobId: row.id,
      attempt: row.attempt,
      now: end ?? 'queued',
    });
  }
}

function endOf(row: JobRow, pictures: number, attempts: number): EndState | null {
  if (pictures >= row.pictures) return 'succeeded';
  if (row.cancel_requested === 1) return 'cancelled';
  return row.attempt >= attempts ? 'failed' : null;
}
