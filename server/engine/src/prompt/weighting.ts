/**
 * Makes tokens count more or less: every token's vector is multiplied by its weight, then the whole chunk is
 * rescaled so that its mean is as before (the webui's "Original" emphasis).
 * @param vectors Output of the text encoders for one chunk, dims [weights.length, width].
 * @param widths Of the encoders whose vectors lie side by side; each keeps its own mean. Default: one encoder.
 * @returns A new array, or `vectors` itself where all weights are 1.
 */
export function weighted(
  vectors: Float32Array,
  weights: readonly number[],
  widths: readonly number[] = [vectors.length / weights.length],
): Float32Array {
  if (weights.every((weight) => weight === 1)) return vectors;
  const width = vectors.length / weights.length;
  const result = new Float32Array(vectors.length);
  let column = 0;
  for (const own of widths) {
    const range = [column, column + own] as const;
    column += own;
    let [before, after] = [0, 0];
    weights.forEach((weight, token) => {
      for (let i = token * width + range[0]; i < token * width + range[1]; i += 1) {
        before += vectors[i]!;
        result[i] = vectors[i]! * weight;
        after += result[i]!;
      }
    });
    const restore = before / after;
    weights.forEach((_, token) => {
      for (let i = token * width + range[0]; i < token * width + range[1]; i += 1) result[i]! *= restore;
    });
  }
  return result;
}
