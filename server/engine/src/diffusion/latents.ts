/** Row-major float32 in VAE space, dims [batch, channels, height/8, width/8]. Treated as immutable. */
export interface Latents {
  readonly data: Float32Array;
  readonly dims: readonly [batch: number, channels: number, height: number, width: number];
}

/** `x · factor`. */
export function scaled(x: Latents, factor: number): Latents {
  return { data: x.data.map((value) => value * factor), dims: x.dims };
}

/** `x + direction · factor`. */
export function addScaled(x: Latents, direction: Latents, factor: number): Latents {
  return weightedSum([1, x], [factor, direction]);
}

/** `x − y`. */
export function subtract(x: Latents, y: Latents): Latents {
  return weightedSum([1, x], [-1, y]);
}

/**
 * Sum of the terms, each times its factor, added up in float64 and rounded once. A term with factor 0 is left
 * out, even where it is not finite.
 * @throws RangeError if the terms differ in size.
 */
export function weightedSum(
  first: readonly [factor: number, latents: Latents],
  ...others: readonly (readonly [factor: number, latents: Latents])[]
): Latents {
  const size = first[1].data.length;
  const sum = new Float64Array(size);
  for (const [factor, { data }] of [first, ...others]) {
    if (data.length !== size) throw new RangeError(`Expected ${size} latents but received ${data.length}`);
    if (factor === 0) continue;
    for (let i = 0; i < size; i++) sum[i] += factor * data[i];
  }
  return { data: Float32Array.from(sum), dims: first[1].dims };
}

/** Whether every value is a finite number. */
export function isFinite(x: Latents): boolean {
  return x.data.every(Number.isFinite);
}
