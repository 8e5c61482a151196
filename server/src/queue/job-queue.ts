import type { JobPreview } from '@atelier/contract';
import type { Queue } from './queue.ts';

/*
 * Wiring, in this order (and closed in reverse):
 *
 *   const storage = await openStorage(config.dataDir, log);                         // storage/open-storage.ts
 *   const gallery = createGallery({ storage, events, log, outputsDir });             // gallery/create-gallery.ts
 *   const worker = createSupervisor({ config, log });                                // workers/supervisor.ts
 *   const queue = createQueue({ storage, gallery, worker, library, events, config, log }); // queue/create-queue.ts
 *   await gallery.start();   // settles what was being stored when the server last ended
 *   worker.start();
 *   await queue.start();     // takes up interrupted jobs, then draws
 *   …
 *   await queue.stop(config.stopGraceMs);
 *   await worker.stop();
 *   await gallery.close();
 *   await storage.close();
 */

/** The queue with its lifecycle. */
export interface JobQueue extends Queue {
  /** Takes up the jobs that were interrupted, then draws one after the other. */
  start(): Promise<void>;
  /**
   * Refuses new jobs (`not-ready`); the picture in work may finish within `graceMs`, else its job goes back to the
   * queue without counting an attempt. Resolves when nothing is being drawn any more.
   */
  stop(graceMs: number): Promise<void>;
  /** The newest preview of each running job. */
  previews(): JobPreview[];
}
