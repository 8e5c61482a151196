/** The steps between neighbouring noise levels. */
export function* intervals(
  sigmas: readonly number[],
): Generator<{ step: number; sigma: number; next: number }> {
  for (let step = 0; step + 1 < sigmas.length; step++) {
    yield { step, sigma: sigmas[step], next: sigmas[step + 1] };
  }
}
