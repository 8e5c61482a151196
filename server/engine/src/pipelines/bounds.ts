import { EngineError } from '../errors.ts';

/** What a number in a request may be. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly multipleOf?: number;
}

/** @throws EngineError `invalid-request` that names the field, what was expected and what came. */
export function checkWithin(name: string, value: unknown, { min, max, multipleOf }: Bounds): void {
  const isWithin = typeof value === 'number' && value >= min && value <= max;
  if (isWithin && (multipleOf === undefined || value % multipleOf === 0)) return;
  const kind =
    multipleOf === undefined
      ? 'a number'
      : multipleOf === 1
        ? 'a whole number'
        : `a multiple of ${multipleOf}`;
  throw invalid(`Expected ${name} to be ${kind} from ${min} to ${max} but received ${String(value)}.`);
}

/** What is wrong with a request. */
export function invalid(message: string, hint?: string): EngineError {
  return new EngineError('invalid-request', message, hint === undefined ? {} : { hint });
}
