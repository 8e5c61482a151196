import type { Schedule } from './schedule.ts';
import { evenly } from './schedule.ts';

/** Noise levels that were optimised for ten steps, by interpolation of their logarithms for any other number. */
function fromTable(table: readonly number[]): Schedule {
  const logs = table.map(Math.log);
  return (steps) => {
    const last = table.length - 1;
    // Counted from the cleanest, which is what a single step gets.
    const walk = evenly(last, 0, steps).map((place) => {
      const low = Math.min(Math.floor(place), last - 1);
      return Math.exp(logs[low] + (place - low) * (logs[low + 1] - logs[low]));
    });
    return [...walk.reverse(), 0];
  };
}

/** Sabour et al. 2024, "Align Your Steps", appendix, the table for Stable Diffusion 1.5, arXiv:2404.14507. */
export const alignYourSteps = fromTable([
  14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029,
]);

/** Steps found by "geometry-inspired time scheduling", Chen et al. 2024, arXiv:2405.11326; for SD 1.5. */
export const gits = fromTable([14.615, 4.617, 2.507, 1.236, 0.702, 0.402, 0.24, 0.156, 0.104, 0.094, 0.029]);
