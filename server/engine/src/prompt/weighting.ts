/**
 * Makes tokens count more or less: every token's vector is multiplied by its weight, then the whole chunk is
 * rescaled so that its mean is as before (the webui's "Original" emphasis).
 * @param vectors Output of the text encoder for one chunk, dims [weights.length, width].
 * @returns A new array, or `vectors` itself where all weights are 1.
 */
export function weighted(vectors: Float32Array, weights: readonly number[]): Float32Array {
  if (weights.every((weight) => weight === 1)) return vectors;
  const width = vectors.length / weights.length;
  const scaled = vectors.map((value, i) => value * weights[Math.floor(i / width)]!);
  const restore = sum(vectors) / sum(scaled);
  return scaled.map((value) => value * restore);
}

function sum(values: Float32Array): number {
  return values.reduce((total, value) => total + value, 0);
}
