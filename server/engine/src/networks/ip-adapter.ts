import { EngineError } from '../errors.ts';
import type { GraphBuilder, Value } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import type { AttentionHooks, AttentionSite } from './attention-hooks.ts';
import { attention, floatTensor, linear } from './layers.ts';

/** Names of the inputs that an image prompt adds to a UNet, by its place among those that are built in. */
export function imagePromptNames(index: number): { tokens: string; weight: string } {
  return { tokens: `image_prompt${index}`, weight: `image_prompt${index}_weight` };
}

/** What an image prompt is built into. */
export interface ImagePromptPlace {
  /** The whole UNet, for the order of its attentions. */
  readonly unet: Weights;
  /** Among the image prompts that are built in. */
  readonly index: number;
}

/**
 * Builds an image prompt into the attentions to the text: with keys and values of its own, from tokens that picture makes,
 * each gives a second result, which is weighted and added. Ye et al. 2023, arXiv:2308.06721.
 *
 * Inputs `image_prompt<n>` [batch, tokens, width] and `image_prompt<n>_weight` [1].
 * @param weights what lies below `ip_adapter.`: `<number>.to_k_ip.weight`, `<number>.to_v_ip.weight`
 * @throws EngineError `model-invalid` if it was made for a UNet with other attentions
 */
export function imagePromptHooks(weights: Weights, { unet, index }: ImagePromptPlace): AttentionHooks {
  const layers = layersOf(weights, unet);
  const [, width = 0] = floatTensor([...layers.values()][0] as Weights, 'to_k_ip.weight', [null, null]).shape;
  const names = imagePromptNames(index);
  const inputs = new WeakMap<GraphBuilder, { tokens: Value; weight: Value }>();
  const inputsOf = (graph: GraphBuilder): { tokens: Value; weight: Value } => {
    let made = inputs.get(graph);
    if (made === undefined) {
      made = {
        tokens: graph.input(names.tokens, 'float', ['batch', `${names.tokens}_tokens`, width]),
        weight: graph.input(names.weight, 'float', [1]),
      };
      inputs.set(graph, made);
    }
    return made;
  };
  return {
    addition: ({ graph, weights: own, isCross, heads, width: inner }: AttentionSite, query) => {
      if (!isCross) return null;
      const layer = layers.get(own.prefix);
      if (layer === undefined) throw new RangeError(`"${own.prefix}" is not of the UNet.`);
      const { tokens, weight } = inputsOf(graph);
      const project = (name: string): Value => {
        floatTensor(layer, `${name}.weight`, [inner, width]);
        return linear(graph, layer.under(name), tokens, width, { hasBias: false });
      };
      const seen = attention(graph, [query, project('to_k_ip'), project('to_v_ip')], { heads });
      return graph.op('Mul', [seen, weight]);
    },
    idleInputs: (batch) => ({
      [names.tokens]: { data: new Float32Array(batch * width), dims: [batch, 1, width] },
      [names.weight]: { data: new Float32Array(1), dims: [1] },
    }),
  };
}

/** The image prompt's layer for each attention to the text, by the attention's prefix. */
function layersOf(weights: Weights, unet: Weights): Map<string, Weights> {
  const sites = textAttentions(unet);
  const numbers = [...weights.numbers].sort((a, b) => a - b);
  if (numbers.length === sites.length && numbers.length > 0) {
    return new Map(sites.map((prefix, at) => [prefix, weights.under(numbers[at] ?? 0)]));
  }
  throw new EngineError(
    'model-invalid',
    `"${weights.source.name}" is for a UNet with ${numbers.length} attentions to the text; "${unet.source.name}" has ${sites.length}.`,
    { hint: 'Choose an IP-Adapter that was made for the family of the checkpoint.' },
  );
}

const PARTS = ['input_blocks', 'output_blocks', 'middle_block'] as const;

/**
 * Prefixes of the attentions to the text in the order that IP-Adapters number them: all on the way down, all on the way
 * up, then those in the middle, since that is the order in which diffusers' UNet lists its parts.
 */
function textAttentions({ source, prefix }: Weights): string[] {
  const end = 'to_k.weight';
  const sites: { readonly name: string; readonly rank: readonly number[] }[] = [];
  for (const full of source.tensors.keys()) {
    if (!full.startsWith(prefix) || !full.endsWith(`.attn2.${end}`)) continue;
    const [part = '', ...rest] = full.slice(prefix.length).split('.');
    const numbers = rest.filter((name) => /^\d+$/.test(name)).map(Number);
    sites.push({
      name: full.slice(0, -end.length),
      rank: [PARTS.findIndex((name) => name === part), ...numbers],
    });
  }
  return sites.sort((a, b) => byRank(a.rank, b.rank)).map(({ name }) => name);
}

function byRank(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((number, index) => number !== b[index]);
  return at === -1 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
