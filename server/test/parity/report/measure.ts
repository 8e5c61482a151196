import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { maxDifference } from '../diffusion/goldens.ts';
import type { Measurement, UNITS } from './render.mjs';

/** Where expected numbers come from. */
export interface Origin {
  /** The reference, with its version. */
  readonly against: string;
  readonly isInRepository: boolean;
}

/** Expected numbers that our own scripts made, and that a clone has. */
export const fixture = (against: string): Origin => ({ against, isInRepository: true });
/** Expected numbers that are kept beside the checkout. */
export const golden = (against: string): Origin => ({ against, isInRepository: false });

/** What one row of docs/parity.md is about; holds results to a limit and notes how close they came. */
export class Comparison {
  readonly #row: Pick<Measurement, 'section' | 'feature' | 'against' | 'isInRepository'>;

  constructor(section: Measurement['section'], feature: string, origin: Origin) {
    this.#row = { section, feature, ...origin };
  }

  /** The largest absolute difference of any two numbers is no more than `limit`. */
  close(actual: ArrayLike<number>, expected: ArrayLike<number>, limit: number, label?: string): void {
    this.within(maxDifference(actual, expected), limit, 'absolute', label);
  }

  /** An error that the caller measured. */
  within(error: number, limit: number, unit: keyof typeof UNITS = 'absolute', label?: string): void {
    this.#note({ error, limit, unit });
    expect(error, label ?? this.#row.feature).toBeLessThanOrEqual(limit);
  }

  exact(actual: unknown, expected: unknown, label?: string): void {
    this.#note({ error: 0, limit: 0, unit: 'exact' });
    expect(actual, label ?? this.#row.feature).toEqual(expected);
  }

  /** Test files run in processes of their own, so each process has its own file. */
  #note(measured: Pick<Measurement, 'error' | 'limit' | 'unit'>): void {
    const folder = process.env['ATELIER_PARITY_REPORT'];
    if (folder === undefined) return;
    appendFileSync(
      join(folder, `${process.pid}.jsonl`),
      `${JSON.stringify({ ...this.#row, ...measured })}\n`,
    );
  }
}
