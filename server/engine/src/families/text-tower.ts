import { EngineError } from '../errors.ts';
import { CHUNK_TOKENS, type ClipTextModel } from '../networks/clip-text.ts';
import type { Array32 } from '../onnx/session.ts';
import type { LazyNetwork } from './lazy-network.ts';

/** How a family uses a text encoder. */
export interface TowerUse {
  /** Token that fills a chunk up; null: the end token, which marks the end anyway. */
  readonly padding: number | null;
  /** Layer that is used unless another is asked for, counted from the last, 1. */
  readonly layer: number;
  /** Applies the final layer norm to it. */
  readonly isNormed: boolean;
  /** Also gives one vector for the whole text. */
  readonly isPooled: boolean;
}

/** What a tower makes of a chunk: [77, width], and the vector [pooledWidth] if it was asked for. */
export interface EncodedChunk {
  readonly data: Float32Array;
  readonly pooled: Float32Array | null;
}

/** Vectors in place of those of tokens, the first for token `position` of a chunk. */
export interface GivenVectors {
  readonly position: number;
  /** [vectors, width]. */
  readonly data: Float32Array;
}

/** A text encoder as its family uses it. */
export class TextTower {
  readonly network: LazyNetwork<ClipTextModel>;
  readonly #use: TowerUse;

  constructor(network: LazyNetwork<ClipTextModel>, use: TowerUse) {
    this.network = network;
    this.#use = use;
  }

  get width(): number {
    return this.network.model.width;
  }

  /**
   * Encodes one chunk of exactly 77 token ids, padded with the end token.
   * @param clipSkip 1 = last layer, or the family's own where that lies deeper
   * @param given vectors in place of tokens
   * @throws EngineError `invalid-request` if there are fewer layers
   */
  async encode(
    tokenIds: Int32Array,
    clipSkip: number,
    given: readonly GivenVectors[] = [],
  ): Promise<EncodedChunk> {
    this.#check(tokenIds, clipSkip);
    const { padding, layer, isNormed, isPooled } = this.#use;
    const tokens = padding === null ? tokenIds : repadded(tokenIds, padding);
    const skip = Math.max(clipSkip, layer);
    const hidden = isNormed ? `skip${skip}` : `raw${skip}`;
    const outputs = await this.network.run(
      { tokens: { data: tokens, dims: [1, CHUNK_TOKENS] }, ...givenInputs(given, this.width) },
      isPooled ? [hidden, 'pooled'] : [hidden],
    );
    return { data: outputs[hidden]!.data, pooled: outputs.pooled?.data ?? null };
  }

  #check(tokenIds: Int32Array, clipSkip: number): void {
    const { layers, vocabulary } = this.network.model;
    if (tokenIds.length !== CHUNK_TOKENS) {
      throw new RangeError(`Expected ${CHUNK_TOKENS} token ids but received ${tokenIds.length}.`);
    }
    const unknown = tokenIds.find((id) => id < 0 || id >= vocabulary);
    if (unknown !== undefined) {
      throw new RangeError(`Token id ${unknown} is not in the text encoder's vocabulary of ${vocabulary}.`);
    }
    if (!Number.isInteger(clipSkip) || clipSkip < 1 || clipSkip > layers) {
      throw new EngineError(
        'invalid-request',
        `Expected CLIP skip from 1 to ${layers} but received ${clipSkip}.`,
        { hint: `This model's text encoder has ${layers} layers.` },
      );
    }
  }
}

/** The text encoder's inputs for vectors in place of tokens. What would lie beyond the chunk is left out. */
export function givenInputs(
  given: readonly GivenVectors[],
  width: number,
): Record<'given' | 'is_given', Array32<Float32Array | Int32Array>> {
  const vectors = new Float32Array(CHUNK_TOKENS * width);
  const isGiven = new Int32Array(CHUNK_TOKENS);
  for (const { position, data } of given) {
    const count = Math.min(data.length / width, CHUNK_TOKENS - position);
    vectors.set(data.subarray(0, count * width), position * width);
    isGiven.fill(1, position, position + count);
  }
  return {
    given: { data: vectors, dims: [1, CHUNK_TOKENS, width] },
    is_given: { data: isGiven, dims: [1, CHUNK_TOKENS] },
  };
}

/** The end tokens that fill the chunk up, all but the first of them, become `padding`. */
export function repadded(tokenIds: Int32Array, padding: number): Int32Array {
  const end = tokenIds.at(-1);
  let first = tokenIds.length - 1;
  while (first > 0 && tokenIds[first - 1] === end) first -= 1;
  return tokenIds.slice().fill(padding, first + 1);
}
