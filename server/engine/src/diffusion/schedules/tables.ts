import type { Schedule } from './schedule.ts';
import { evenly } from './schedule.ts';

/** Noise levels that were found for one number of steps, by interpolation of their logarithms for any other. */
function interpolated(table: readonly number[], steps: number): number[] {
  const last = table.length - 1;
  // Counted from the cleanest, which is what a single step gets.
  const walk = evenly(last, 0, steps).map((place) => {
    const low = Math.min(Math.floor(place), last - 1);
    const [from, to] = [Math.log(table[low]), Math.log(table[low + 1])];
    return Math.exp(from + (place - low) * (to - from));
  });
  return [...walk.reverse(), 0];
}

function fromTables(sd1: readonly number[], sdxl: readonly number[]): Schedule {
  return (steps, _levels, { isSdxl = false } = {}) => interpolated(isSdxl ? sdxl : sd1, steps);
}

/** Sabour et al. 2024, "Align Your Steps", arXiv:2404.14507: the levels its authors publish. */
export const alignYourSteps = fromTables(
  [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029],
  [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.38, 0.234, 0.113, 0.029],
);

/** {@link alignYourSteps}, refined to 32 levels; Forge's numbers. */
export const alignYourSteps32 = fromTables(
  [
    14.615, 11.23951352, 8.64363081, 6.64729424, 5.57250862, 4.71648546, 3.99196065, 3.5195609, 3.13490466,
    2.79228788, 2.48773628, 2.21663865, 1.97508351, 1.7793172, 1.61475335, 1.46540953, 1.314849, 1.16642497,
    1.03475547, 0.91573744, 0.80748169, 0.71202361, 0.621739, 0.53065202, 0.4529096, 0.37491455, 0.27461819,
    0.2011529, 0.14105873, 0.06682881, 0.03166121, 0.015,
  ],
  [
    14.615, 11.1491618, 8.50522127, 6.48827151, 5.43707402, 4.60398619, 3.89854704, 3.27407457, 2.74396527,
    2.29968659, 1.95448514, 1.67108715, 1.42878152, 1.23181009, 1.06789649, 0.92579443, 0.80290886,
    0.69660121, 0.60436903, 0.52852552, 0.46773344, 0.41393379, 0.36258186, 0.31008517, 0.26518925,
    0.22326461, 0.17653877, 0.13959192, 0.10587381, 0.05519369, 0.02877334, 0.015,
  ],
);

/** Found by "geometry-inspired time scheduling", Chen et al. 2024, arXiv:2405.11326; Forge's numbers. */
export const gits = fromTables(
  [14.615, 4.617, 2.507, 1.236, 0.702, 0.402, 0.24, 0.156, 0.104, 0.094, 0.029],
  [14.615, 4.734, 2.567, 1.529, 0.987, 0.652, 0.418, 0.268, 0.179, 0.127, 0.029],
);
