import { EngineError } from '../errors.ts';
import { rowsOf, viewOf } from '../weights/renamed-source.ts';
import type { TensorInfo, WeightSource } from '../weights/weight-source.ts';

/** Layers of a text tower that are the same in both spellings but for the name. */
const PLAIN: ReadonlyMap<string, string> = new Map([
  ['ln_1', 'layer_norm1'],
  ['ln_2', 'layer_norm2'],
  ['attn.out_proj', 'self_attn.out_proj'],
  ['mlp.c_fc', 'mlp.fc1'],
  ['mlp.c_proj', 'mlp.fc2'],
]);
/** A tower's names outside of its layers, and what its layers lie below. */
interface Tower {
  readonly outside: ReadonlyMap<string, string>;
  readonly layers: string;
}

const TEXT_OUTSIDE: ReadonlyMap<string, string> = new Map([
  ['token_embedding.weight', 'text_model.embeddings.token_embedding.weight'],
  ['positional_embedding', 'text_model.embeddings.position_embedding.weight'],
  ['ln_final.weight', 'text_model.final_layer_norm.weight'],
  ['ln_final.bias', 'text_model.final_layer_norm.bias'],
  ['text_projection', 'text_projection'],
]);
const TEXT: Tower = { outside: TEXT_OUTSIDE, layers: 'text_model.encoder.layers' };

const VISION_OUTSIDE: ReadonlyMap<string, string> = new Map([
  ['class_embedding', 'vision_model.embeddings.class_embedding'],
  ['conv1.weight', 'vision_model.embeddings.patch_embedding.weight'],
  ['positional_embedding', 'vision_model.embeddings.position_embedding.weight'],
  ['ln_pre.weight', 'vision_model.pre_layrnorm.weight'], // spelled so there
  ['ln_pre.bias', 'vision_model.pre_layrnorm.bias'],
  ['ln_post.weight', 'vision_model.post_layernorm.weight'],
  ['ln_post.bias', 'vision_model.post_layernorm.bias'],
  ['proj', 'visual_projection'],
]);
const VISION: Tower = { outside: VISION_OUTSIDE, layers: 'vision_model.encoder.layers' };

/** Query, key and value lie in one tensor, in this order, a third of the rows each. */
const FUSED = ['q_proj', 'k_proj', 'v_proj'] as const;

/** True if a tower in OpenCLIP's layout lies below `prefix`. */
export function hasOpenClip({ tensors }: WeightSource, prefix: string): boolean {
  return tensors.has(`${prefix}transformer.resblocks.0.attn.in_proj_weight`);
}

/**
 * An OpenCLIP text tower (github.com/mlfoundations/open_clip: `transformer.resblocks.0.attn.in_proj_weight`) under the
 * names that transformers gives it (`text_model.encoder.layers.0.self_attn.q_proj.weight`), which are those of the CLIP
 * text tower. Nothing is copied: the projections of query, key and value are rows of the one tensor that has them.
 *
 * The pooled projection keeps its name `text_projection`, for it is not what transformers calls
 * `text_projection.weight`: it is [width, projected] and multiplied as `x P`; transformers stores the transpose.
 * @param prefix of the tower in `source`, such as `cond_stage_model.model.`; the view's names are without it.
 * @throws EngineError `model-invalid` if a fused tensor is no three equal parts.
 */
export function openClipToTransformers(source: WeightSource, prefix: string): WeightSource {
  return translated(source, prefix, TEXT);
}

/**
 * An OpenCLIP vision tower under the names that transformers gives it (`vision_model.encoder.layers.0…`), as above. The
 * projection keeps its orientation, [width, projected], as `visual_projection`; transformers stores the transpose as
 * `visual_projection.weight`.
 * @param prefix of the tower in `source`, such as `visual.`
 * @throws EngineError `model-invalid` if a fused tensor is no three equal parts.
 */
export function openClipVisionToTransformers(source: WeightSource, prefix: string): WeightSource {
  return translated(source, prefix, VISION);
}

function translated(source: WeightSource, prefix: string, tower: Tower): WeightSource {
  const tensors = new Map<string, TensorInfo>();
  for (const [name, tensor] of source.tensors) {
    if (!name.startsWith(prefix)) continue;
    for (const [to, part] of translate(name.slice(prefix.length), tensor, source, tower))
      tensors.set(to, part);
  }
  return viewOf(source, tensors);
}

function translate(
  name: string,
  tensor: TensorInfo,
  source: WeightSource,
  tower: Tower,
): [string, TensorInfo][] {
  const outside = tower.outside.get(name);
  if (outside !== undefined) return [[outside, tensor]];
  const [, block = '', rest = ''] = /^transformer\.resblocks\.(\d{1,3})\.(.+)$/.exec(name) ?? [];
  const layer = `${tower.layers}.${Number(block)}`;
  const [, fused] = /^attn\.in_proj_(weight|bias)$/.exec(rest) ?? [];
  if (fused !== undefined) {
    return thirds(tensor, source).map((part, index) => [`${layer}.self_attn.${FUSED[index]}.${fused}`, part]);
  }
  const leaf = rest.lastIndexOf('.');
  const plain = PLAIN.get(rest.slice(0, Math.max(leaf, 0)));
  return plain === undefined ? [] : [[`${layer}.${plain}${rest.slice(leaf)}`, tensor]];
}

function thirds(tensor: TensorInfo, source: WeightSource): TensorInfo[] {
  const [rows = 0] = tensor.shape;
  if (rows === 0 || rows % FUSED.length !== 0) {
    throw new EngineError(
      'model-invalid',
      `"${source.name}" has "${tensor.name}" of shape [${tensor.shape.join(', ')}], no three equal parts.`,
      { hint: 'The file may be damaged; look for another version of it.' },
    );
  }
  const third = rows / FUSED.length;
  return FUSED.map((_, index) => rowsOf(tensor, index * third, (index + 1) * third));
}
