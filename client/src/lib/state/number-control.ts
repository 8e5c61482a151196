import { LIMITS } from '@atelier/contract';
import type { GenerationForm } from './form.svelte.ts';

const side = { min: LIMITS.side.min, max: LIMITS.side.max, step: LIMITS.side.multipleOf };
const RANGES = {
  width: side,
  height: side,
  steps: { ...LIMITS.steps, step: 1 },
  cfgScale: { ...LIMITS.cfgScale, step: 0.1 },
  batchCount: { min: 1, max: LIMITS.batchCount, step: 1 },
  batchSize: { min: 1, max: LIMITS.batchSize, step: 1 },
} as const;

interface NumberControl {
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** What was wrong with it at the last try. */
  readonly error: string | undefined;
  readonly onchange: (value: number) => void;
}

/** All that a control needs to show and change one of the form's numbers. */
export function numberControl(form: GenerationForm, name: keyof typeof RANGES): NumberControl {
  const isBatch = name === 'batchCount' || name === 'batchSize';
  return {
    ...RANGES[name],
    value: isBatch ? form[name] : form.tuned[name],
    error: form.errors[name],
    onchange: (value) => {
      if (isBatch) form[name] = value;
      else form.tune({ [name]: value });
    },
  };
}
