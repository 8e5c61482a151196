/** A sequence of random numbers that can be left and taken up again. */
export interface NoiseGenerator {
  /** The next `count` normals of one draw, float32. What a draw holds depends on its size. */
  normals: (count: number) => Float32Array;
  /** Where the sequence is now, as plain data, to go on from in another process. */
  save: () => GeneratorState;
}

/** Where a sequence is: plain data, see the generators. */
export type GeneratorState =
  | {
      readonly kind: 'torch-cpu';
      readonly words: Uint32Array;
      readonly next: number;
      readonly spare: number | null;
    }
  | { readonly kind: 'philox'; readonly seed: number; readonly draws: number };
