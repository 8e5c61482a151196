import { EngineError } from '../errors.ts';
import { diffusersToLdmUnet } from '../naming/unet-names.ts';
import { renamedSource } from '../weights/renamed-source.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import { Weights } from '../weights/weights.ts';

/** With a whole model beside it, or alone. */
const PREFIXES = ['control_model.', ''] as const;

/** What is called a ControlNet and is built in another way, by a name that only its kind has. */
const UNSUPPORTED: readonly (readonly [RegExp, string])[] = [
  [/(?:^|\.)(?:task_embedding|control_add_embedding\.)/, 'a union ControlNet, for several kinds of hints'],
  [/^lllite_/, 'a ControlNet-LLLite'],
  [/(?:^|\.)(?:base_down_to_ctrl|down_zero_convs_out)\./, 'a ControlNet-XS'],
  [/(?:^|\.)(?:motion_modules|temporal_transformer)\./, 'a ControlNet for videos'],
  [/^(?:double_blocks|single_transformer_blocks|transformer_blocks)\.0\./, 'a ControlNet of another family'],
];

/**
 * The ControlNet in a file: in the layout of the original code, with its prefix or without, or in diffusers' spelling.
 * @throws EngineError `model-invalid` if there is none
 */
export function locateControl(source: WeightSource): Weights {
  requireKnownKind(source);
  const prefix = PREFIXES.find((before) => source.tensors.has(`${before}input_hint_block.0.weight`));
  if (prefix !== undefined) return new Weights(source, prefix);
  if (source.tensors.has('controlnet_cond_embedding.conv_in.weight')) {
    return new Weights(renamedSource(source, diffusersToLdmUnet(source.tensors.keys())));
  }
  throw new EngineError('model-invalid', `"${source.name}" is not a ControlNet.`, {
    hint: 'ControlNets for Stable Diffusion 1.x, 2.x and SDXL are supported; T2I-Adapters and IP-Adapters are opened as such.',
  });
}

function requireKnownKind({ tensors, name }: WeightSource): void {
  for (const key of tensors.keys()) {
    const kind = UNSUPPORTED.find(([pattern]) => pattern.test(key));
    if (kind === undefined) continue;
    throw new EngineError('model-invalid', `"${name}" looks like ${kind[1]}, which is not supported.`, {
      hint: 'ControlNets for Stable Diffusion 1.x, 2.x and SDXL, and control-LoRAs, are supported.',
    });
  }
}
