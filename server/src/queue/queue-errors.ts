import type { JobState } from '@atelier/contract';
import { AppError } from '../errors.ts';

/** Long enough for a picture or two to be drawn. */
const RETRY_S = 30;

export const jobNotFound = (id: string): AppError =>
  new AppError('not-found', { detail: `There is no job with the id ${id}.` });

export const alreadyEnded = (state: JobState): AppError =>
  new AppError('conflict', { detail: `The job has already ended: it is ${state}.` });

export const stopping = (): AppError =>
  new AppError('not-ready', {
    detail: 'The server is stopping and takes no new jobs.',
    hint: 'Try again when it is back.',
    retryAfterS: RETRY_S,
  });

export const queueFull = (limit: number, whose: 'yours' | 'all'): AppError =>
  new AppError('queue-full', {
    detail:
      whose === 'yours'
        ? `You have ${limit} jobs waiting already, and that is the limit.`
        : `There are ${limit} jobs waiting already, and that is the limit.`,
    hint: 'Wait until some are done, or cancel some.',
    retryAfterS: RETRY_S,
  });

export const keyReused = (): AppError =>
  new AppError('idempotency-key-reuse', {
    detail: 'This Idempotency-Key came before, with another body.',
    hint: 'Use a new key for a new request.',
  });

export const diskLow = (freeBytes: number, minFreeBytes: number): AppError =>
  new AppError('insufficient-storage', {
    detail: `Expected at least ${megabytes(minFreeBytes)} of free disk space but there are ${megabytes(freeBytes)}.`,
    hint: 'Free some space in the outputs or data folder.',
    retryAfterS: RETRY_S,
  });

const megabytes = (bytes: number): string => `${Math.floor(bytes / 2 ** 20).toLocaleString('en')} MiB`;
