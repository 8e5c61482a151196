import type { GenerationSettings, Health, JobFailure } from '@atelier/contract';

/** What the worker process is asked to draw: the missing pictures of one job. */
export interface DrawTask {
  jobId: string;
  claim: number;
  /** Counts from 1; scripted failures of the fake engine can be bound to it. */
  attempt: number;
  settings: GenerationSettings;
  /** The checkpoint's file. */
  modelPath: string;
  /** Which pictures, each with its own seed. */
  pictures: readonly { index: number; seed: number }[];
}

/** What happens while drawing. `image` is the picture's index within its job. */
export type DrawEvent =
  | { type: 'loading'; network: string }
  | { type: 'encoding'; image: number }
  /** The prompts are read; sampling begins. */
  | { type: 'conditioned'; image: number }
  | { type: 'step'; image: number; step: number; steps: number }
  | { type: 'preview'; image: number; step: number; mime: 'image/webp'; data: Uint8Array }
  | { type: 'decoding'; image: number }
  /** `schedule`: label of the schedule that was used; `png`: a whole PNG without text. */
  | { type: 'picture'; image: number; width: number; height: number; schedule: string; png: Uint8Array };

/** How a task ended. */
export type DrawOutcome =
  | { type: 'done' }
  | { type: 'cancelled' }
  /** The engine said why; trying again would fail again. */
  | { type: 'failed'; failure: JobFailure }
  /** The process died, hung or talked nonsense; trying again may work. `failure` is for when it was tried too often. */
  | { type: 'crashed'; failure: JobFailure }
  /** There was no process to begin with; the task was not tried. */
  | { type: 'unavailable' }
  /** It ran longer than a job may; not tried again. */
  | { type: 'expired'; failure: JobFailure };

/** One supervised child process that draws. Dies alone, and is replaced. */
export interface DrawingWorker {
  /** Starts the process; it is replaced whenever it dies, until `stop`. */
  start(): void;
  status(): Health['worker'];
  /** Resolves when the worker can take a task; rejects when it was stopped. */
  ready(): Promise<void>;
  /** Draws one task at a time. Never rejects: a death is an outcome. */
  draw(task: DrawTask, onEvent: (event: DrawEvent) => void): Promise<DrawOutcome>;
  /** Asks the task in work to end at its next step; the process is killed if it does not within `patienceMs`. */
  cancel(patienceMs?: number): void;
  /** Ends the process. */
  stop(): Promise<void>;
}
