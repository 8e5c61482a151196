import type { TextConditioning } from './diffusion-model.ts';
import { givenTo, type EmbeddingFix } from './embedding.ts';
import type { EncodedChunk, GivenVectors, TextTower } from './text-tower.ts';

/** A text encoder: ids of a chunk to what it makes of them. */
export interface Encoding {
  /** Of the vectors that it takes in place of tokens; absent if it takes none. */
  readonly width?: number;
  encode(tokenIds: Int32Array, clipSkip: number, given?: readonly GivenVectors[]): Promise<EncodedChunk>;
}

/**
 * The text encoders of a model, used together: what they make of a token lies side by side. The pooled vector is the last
 * tower's.
 */
export class TextEncoder<Tower extends Encoding = TextTower> {
  readonly towers: readonly Tower[];

  constructor(towers: readonly Tower[]) {
    this.towers = towers;
  }

  /** See `DiffusionModel.textWidths`. */
  get widths(): number[] {
    return this.towers.flatMap(({ width }) => (width === undefined ? [] : [width]));
  }

  /** See `DiffusionModel.encodeText`. */
  async encode(
    tokenIds: Int32Array,
    clipSkip: number,
    fixes: readonly EmbeddingFix[] = [],
  ): Promise<TextConditioning> {
    const given = givenTo(this.widths, fixes);
    const tokens = tokenIds.length;
    const chunks: EncodedChunk[] = [];
    for (const [index, tower] of this.towers.entries()) {
      chunks.push(await tower.encode(tokenIds, clipSkip, given[index]));
    }
    const width = chunks.reduce((sum, chunk) => sum + chunk.data.length / tokens, 0);
    const data = new Float32Array(tokens * width);
    let column = 0;
    for (const chunk of chunks) {
      const own = chunk.data.length / tokens;
      for (let token = 0; token < tokens; token += 1) {
        data.set(chunk.data.subarray(token * own, (token + 1) * own), token * width + column);
      }
      column += own;
    }
    const pooled = chunks.findLast((chunk) => chunk.pooled !== null)?.pooled ?? null;
    return { data, dims: [1, tokens, width], ...(pooled === null ? {} : { pooled }) };
  }
}
