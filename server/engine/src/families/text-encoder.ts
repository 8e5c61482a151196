import type { TextConditioning } from './diffusion-model.ts';
import type { TextTower } from './text-tower.ts';

/**
 * The text encoders of a model, used together: what they make of a token lies side by side. The pooled vector is the last
 * tower's.
 */
export class TextEncoder {
  readonly towers: readonly TextTower[];
  readonly width: number;

  constructor(towers: readonly TextTower[]) {
    this.towers = towers;
    this.width = towers.reduce((sum, { width }) => sum + width, 0);
  }

  /** See `DiffusionModel.encodeText`. */
  async encode(tokenIds: Int32Array, clipSkip: number): Promise<TextConditioning> {
    const data = new Float32Array(tokenIds.length * this.width);
    let pooled: Float32Array | null = null;
    let column = 0;
    for (const tower of this.towers) {
      const encoded = await tower.encode(tokenIds, clipSkip);
      for (let token = 0; token < tokenIds.length; token += 1) {
        const row = encoded.data.subarray(token * tower.width, (token + 1) * tower.width);
        data.set(row, token * this.width + column);
      }
      column += tower.width;
      pooled = encoded.pooled ?? pooled;
    }
    return { data, dims: [1, tokenIds.length, this.width], ...(pooled === null ? {} : { pooled }) };
  }
}
