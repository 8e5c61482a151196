import type { JobFailure } from '@atelier/contract';

/** The failure of a job that was given up, from that of its last attempt. */
export const triedTooOften = (last: JobFailure, attempts: number): JobFailure => ({
  ...last,
  detail: `${last.detail} The job was tried ${attempts === 1 ? 'once' : `${attempts} times`}.`,
});
