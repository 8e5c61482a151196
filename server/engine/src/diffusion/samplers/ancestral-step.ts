/**
 * Splits a step to `next` into a deterministic step down to `down` and fresh noise `up` that leads back up:
 * `down² + up² = next²`.
 * @param eta 0 = no fresh noise, 1 = as much as the reverse of the forward process has.
 */
export function ancestralStep(sigma: number, next: number, eta: number): { down: number; up: number } {
  const up = Math.min(next, eta * next * Math.sqrt(1 - (next / sigma) ** 2));
  return { up, down: Math.sqrt(next ** 2 - up ** 2) };
}
