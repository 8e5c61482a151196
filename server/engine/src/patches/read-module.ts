import { decomposed } from './kinds/decomposed.ts';
import { difference } from './kinds/difference.ts';
import { generalized } from './kinds/generalized.ts';
import { hadamard } from './kinds/hadamard.ts';
import { kronecker } from './kinds/kronecker.ts';
import { lowRank } from './kinds/low-rank.ts';
import { orthogonal } from './kinds/orthogonal.ts';
import { rescaling } from './kinds/rescaling.ts';
import type { ModuleParts } from './module-parts.ts';
import { added, type Addition, type WeightChange } from './weight-change.ts';

/** What a file does to one module; null where it leaves the weight or the bias as it is. */
export interface ModuleChange {
  /** The module's name in the file. */
  readonly name: string;
  readonly weight: WeightChange | null;
  readonly bias: WeightChange | null;
}

/** Updates that DoRA's lengths may follow. */
const ADDITIONS: readonly ((parts: ModuleParts) => Addition | null)[] = [
  lowRank,
  hadamard,
  kronecker,
  (parts) => difference(parts, 'diff', 'full'),
  (parts) => difference(parts, 'w_norm', 'norm'),
];
const OTHERS: readonly ((parts: ModuleParts) => WeightChange | null)[] = [rescaling, generalized, orthogonal];

/**
 * Tells from its parts what is done to a module.
 * @returns null if the parts are none that mean anything together
 * @throws EngineError `model-invalid` if parts are missing, do not fit each other, or hold what is no number
 */
export function readModule(parts: ModuleParts): ModuleChange | null {
  const weight = weightChange(parts);
  const bias = difference(parts, 'diff_b', 'full') ?? difference(parts, 'b_norm', 'norm');
  if (weight === null && bias === null) return null;
  return { name: parts.name, weight, bias: bias === null ? null : added(bias) };
}

function weightChange(parts: ModuleParts): WeightChange | null {
  for (const read of ADDITIONS) {
    const addition = read(parts);
    if (addition !== null) return parts.has('dora_scale') ? decomposed(parts, addition) : added(addition);
  }
  for (const read of OTHERS) {
    const change = read(parts);
    if (change !== null) return change;
  }
  return null;
}
