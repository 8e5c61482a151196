import { EventEmitter } from 'node:events';
import type { ImageView, JobPreview, JobSnapshot } from '@atelier/contract';

interface EventMap {
  'job:changed': [job: JobSnapshot];
  'job:preview': [preview: JobPreview];
  'image:added': [image: ImageView];
  'models:changed': [];
}

/** What happens inside the server, for whoever shows it. Emitting never throws into the emitter's work. */
export type Events = EventEmitter<EventMap>;
export const createEvents = (): Events => new EventEmitter<EventMap>({ captureRejections: true });
