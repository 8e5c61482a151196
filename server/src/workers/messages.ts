import { z } from 'zod';
import type { DrawingOptions } from './child/real-driver.ts';
import type { DrawTask } from './worker.ts';

/** How the worker is started: the one argument of its command line, as JSON. */
export interface WorkerOptions {
  /** The worker ends when this process is no longer its parent. */
  parentPid: number;
  engine: 'real' | 'fake';
  drawing: DrawingOptions;
  fake: { stepMs: number; allowFailures: boolean };
}

/** From the server to the worker. `task` counts tasks, so that late messages are recognised. */
export type ToWorker = { type: 'draw'; task: number; work: DrawTask } | { type: 'cancel'; task: number };

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
const image = z.int().min(0);
const step = z.int().min(0);
const side = z.int().min(1).max(16_384);

const Event = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('loading'), network: z.string().max(200) }),
  z.strictObject({ type: z.literal('encoding'), image }),
  z.strictObject({ type: z.literal('conditioned'), image }),
  z.strictObject({ type: z.literal('step'), image, step, steps: z.int().min(1) }),
  z.strictObject({ type: z.literal('preview'), image, step, mime: z.literal('image/webp'), data: bytes }),
  z.strictObject({ type: z.literal('decoding'), image }),
  z.strictObject({
    type: z.literal('picture'),
    image,
    width: side,
    height: side,
    schedule: z.string().max(100),
    png: bytes,
  }),
]);

const Failure = z.strictObject({
  type: z.string().max(100),
  title: z.string().max(200),
  detail: z.string().max(2000),
  hint: z.string().max(2000).nullable(),
});

/** From the worker to the server. Whatever does not fit is the worker's fault, and the worker is replaced. */
export const FromWorker = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready') }),
  z.strictObject({ type: z.literal('event'), task: z.int(), event: Event }),
  z.strictObject({
    type: z.literal('end'),
    task: z.int(),
    outcome: z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('done') }),
      z.strictObject({ type: z.literal('cancelled') }),
      z.strictObject({ type: z.literal('failed'), failure: Failure }),
    ]),
  }),
]);
export type FromWorker = z.output<typeof FromWorker>;
