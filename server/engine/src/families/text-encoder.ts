import type { TextConditioning } from './diffusion-model.ts';
import type { EncodedChunk, TextTower } from './text-tower.ts';

/** A text encoder: ids of a chunk to what it makes of them. */
export interface Encoding {
  encode(tokenIds: Int32Array, clipSkip: number): Promise<EncodedChunk>;
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

  /** See `DiffusionModel.encodeText`. */
  async encode(tokenIds: Int32Array, clipSkip: number): Promise<TextConditioning> {
    const tokens = tokenIds.length;
    const chunks: EncodedChunk[] = [];
    for (const tower of this.towers) chunks.push(await tower.encode(tokenIds, clipSkip));
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
