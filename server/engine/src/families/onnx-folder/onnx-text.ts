import { EngineError } from '../../errors.ts';
import { CHUNK_TOKENS } from '../../networks/clip-text.ts';
import type { ModelFile } from '../../onnx/model-file/model-file.ts';
import type { OnnxModel } from '../../onnx/graph.ts';
import type { LazyNetwork } from '../lazy-network.ts';
import type { Encoding } from '../text-encoder.ts';
import { repadded, type EncodedChunk } from '../text-tower.ts';
import { soleOf } from './onnx-networks.ts';

/** How a text encoder is used that came as an ONNX file. */
export interface OnnxTextUse {
  /** Token that fills a chunk up; null: the end token. */
  readonly padding: number | null;
  /** SDXL takes the last layer but one as it is, without the final norm. */
  readonly isPenultimate: boolean;
}

/** A text encoder of a ready-made ONNX model. */
export class OnnxText implements Encoding {
  readonly network: LazyNetwork<OnnxModel>;
  readonly #file: ModelFile;
  readonly #use: OnnxTextUse;

  constructor(network: LazyNetwork<OnnxModel>, file: ModelFile, use: OnnxTextUse) {
    this.network = network;
    this.#file = file;
    this.#use = use;
  }

  async encode(tokenIds: Int32Array, clipSkip: number): Promise<EncodedChunk> {
    if (tokenIds.length !== CHUNK_TOKENS) {
      throw new RangeError(`Expected ${CHUNK_TOKENS} token ids but received ${tokenIds.length}.`);
    }
    const { inputs, outputs } = this.#file;
    const { padding, isPenultimate } = this.#use;
    const hidden = this.#layer(isPenultimate ? Math.max(2, clipSkip) : clipSkip);
    const pooled = isPenultimate ? (outputs.get('text_embeds')?.name ?? null) : null;
    const tokens = padding === null ? tokenIds : repadded(tokenIds, padding);
    const results = await this.network.run(
      { [soleOf(inputs, 'input_ids').name]: { data: tokens, dims: [1, CHUNK_TOKENS] } },
      pooled === null ? [hidden] : [hidden, pooled],
    );
    return {
      data: results[hidden]!.data,
      pooled: pooled === null ? null : results[pooled]!.data,
    };
  }

  /**
   * The output for a layer, counted from the last, 1. After the final norm there is the last one alone; before it those that
   * were exported (`hidden_states.0` is what goes into the first layer).
   */
  #layer(clipSkip: number): string {
    const { outputs } = this.#file;
    if (!this.#use.isPenultimate) {
      if (clipSkip === 1) return soleOf(outputs, 'last_hidden_state').name;
      throw noLayer(clipSkip, 'This model was exported with the last layer alone; set CLIP skip to 1.');
    }
    const layers = [...outputs.keys()].filter((name) => /^hidden_states\.\d+$/.test(name)).length - 1;
    const layer = outputs.get(`hidden_states.${layers + 1 - clipSkip}`);
    if (layer !== undefined && clipSkip >= 1 && clipSkip <= layers) return layer.name;
    throw noLayer(
      clipSkip,
      `This model was exported with ${Math.max(layers, 0)} layers of its text encoders.`,
    );
  }
}

function noLayer(clipSkip: number, hint: string): EngineError {
  return new EngineError('invalid-request', `The model has no output for CLIP skip ${clipSkip}.`, { hint });
}
