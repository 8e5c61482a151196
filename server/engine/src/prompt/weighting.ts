/**
 * How emphasis acts on the output of the text encoders, by the webui's names. `Original` multiplies each token's vector by its
 * weight and restores the mean; `No norm` does not restore it; `Ignore` reads brackets but drops their weights; `None` takes
 * brackets for text.
 */
export const EMPHASIS_MODES = ['Original', 'No norm', 'Ignore', 'None'] as const;
export type EmphasisMode = (typeof EMPHASIS_MODES)[number];

/** One chunk of a text, encoded. */
export interface EncodedChunk {
  /** Dims [weights.length, width]. */
  readonly vectors: Float32Array;
  readonly weights: readonly number[];
  /** How many times it is in the batch. Default 1. */
  readonly count?: number;
}

/**
 * Makes tokens count more or less: every token's vector is multiplied by its weight, then the whole batch is rescaled so that
 * its mean is as before. The mean is that of all chunks together, as in the webui, where the texts of a prompt that changes
 * over time are one batch.
 * @param widths Of the encoders whose vectors lie side by side; each keeps its own mean. Default: one encoder.
 * @returns New arrays, or those given where nothing changes.
 */
export function weighted(
  batch: readonly EncodedChunk[],
  mode: EmphasisMode = 'Original',
  widths?: readonly number[],
): Float32Array[] {
  const isPlain = batch.every(({ weights }) => weights.every((weight) => weight === 1));
  if (isPlain || mode === 'Ignore' || mode === 'None') return batch.map(({ vectors }) => vectors);
  const results = batch.map(({ vectors }) => vectors.slice());
  const width = batch[0]!.vectors.length / batch[0]!.weights.length;
  let column = 0;
  for (const own of widths ?? [width]) {
    const columns = { width, from: column, to: column + own };
    column += own;
    let [before, after] = [0, 0];
    batch.forEach(({ weights, count = 1 }, index) => {
      const sums = multiply(results[index]!, weights, columns);
      before += count * sums.before;
      after += count * sums.after;
    });
    if (mode === 'No norm') continue;
    for (const result of results) rescale(result, before / after, columns);
  }
  return results;
}

/** Which columns of a matrix belong to one encoder. */
interface Columns {
  readonly width: number;
  readonly from: number;
  readonly to: number;
}

function multiply(vectors: Float32Array, weights: readonly number[], { width, from, to }: Columns) {
  let [before, after] = [0, 0];
  weights.forEach((weight, token) => {
    for (let i = token * width + from; i < token * width + to; i += 1) {
      before += vectors[i]!;
      vectors[i]! *= weight;
      after += vectors[i]!;
    }
  });
  return { before, after };
}

function rescale(vectors: Float32Array, factor: number, { width, from, to }: Columns): void {
  for (let row = 0; row < vectors.length; row += width) {
    for (let i = row + from; i < row + to; i += 1) vectors[i]! *= factor;
  }
}
