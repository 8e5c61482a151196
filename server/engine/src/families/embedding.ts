import { EngineError } from '../errors.ts';
import type { NamedVectors } from '../prompt/embedding-names.ts';
import type { GivenVectors } from './text-tower.ts';

/** A textual inversion: vectors that take the place of tokens. Gal et al. 2022, arXiv:2208.01618. */
export interface Embedding extends NamedVectors {
  /** For each text encoder of the kind of model that it was made for. */
  readonly parts: readonly EmbeddingPart[];
}
/** Vectors for one text encoder, one after the other. */
export interface EmbeddingPart {
  readonly data: Float32Array;
  readonly width: number;
}

/** An embedding in a chunk; its first vector takes the place of token `position`, and the start token is 0. */
export interface EmbeddingFix {
  readonly position: number;
  readonly embedding: Embedding;
}

/** True if an embedding is for text encoders of such widths. */
export function fitsEmbedding(widths: readonly number[], embedding: Embedding): boolean {
  return partsFor(widths, embedding) !== null;
}

/**
 * What each text encoder is given.
 * @param widths of the text encoders' tokens
 * @throws EngineError `invalid-request` if an embedding is for another kind of model
 */
export function givenTo(widths: readonly number[], fixes: readonly EmbeddingFix[]): GivenVectors[][] {
  const parts = fixes.map(({ embedding }) => {
    const found = partsFor(widths, embedding);
    if (found !== null) return found;
    const own = embedding.parts.map(({ width }) => width).join(' and ');
    throw new EngineError(
      'invalid-request',
      `The embedding "${embedding.name}" is ${own} wide, but the model's text encoders take ${widths.join(' and ') || 'none'}.`,
      {
        hint: 'It was made for another kind of model; choose one of its kind, or take its name out of the prompt.',
      },
    );
  });
  return widths.map((_, tower) =>
    fixes.map(({ position }, index) => ({ position, data: parts[index]![tower]!.data })),
  );
}

/** One part for each text encoder, in their order. A refiner has SDXL's second text encoder alone. */
function partsFor(widths: readonly number[], { parts }: Embedding): readonly EmbeddingPart[] | null {
  const used = widths.length === 1 ? parts.slice(-1) : parts;
  const fits =
    widths.length > 0 &&
    used.length === widths.length &&
    used.every(({ width }, index) => width === widths[index]);
  return fits ? used : null;
}
