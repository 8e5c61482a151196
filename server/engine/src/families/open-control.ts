import { EngineError } from '../errors.ts';
import { controlNet, controlNetHint } from '../networks/controlnet.ts';
import { openModelWeights } from '../weights/open-model-weights.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import type { Weights } from '../weights/weights.ts';
import type { ControlNet } from './control-models.ts';
import { isControlPooled } from './control-pooling.ts';
import { ControlNetRunner } from './control-runner.ts';
import { overBase, storageOf } from './control-over-base.ts';
import { FAMILIES } from './family-facts.ts';
import type { NetworkOptions } from './lazy-network.ts';
import { locateControl } from './locate-control.ts';
import { locateUnet } from './locate-networks.ts';
import { readAs } from './read-as.ts';
import { familyOf } from './recognise.ts';

export interface OpenControlOptions extends NetworkOptions {
  /** Checkpoint that it is used with; files that hold only a difference from its UNet need it (control-LoRA). */
  readonly base?: string;
}

/**
 * Opens a ControlNet where it lies: a file in the layout of the original code or in diffusers' spelling, a diffusers
 * folder, a control-LoRA, or a difference. Its networks are loaded when first used.
 * @throws EngineError `model-not-found`; `model-invalid` that says what the file is or lacks; `invalid-request` if a base
 * is needed and none is given
 */
export async function openControlNet(path: string, options: OpenControlOptions = {}): Promise<ControlNet> {
  const { source } = await openModelWeights(path);
  const file = await readAs('controlnet', source, () => locateControl(source));
  const storage = storageOf(source);
  const isPooled = await isControlPooled(path);
  if (storage === 'whole') return build({ weights: file, sources: [source], isPooled }, options);
  if (options.base === undefined) {
    throw new EngineError(
      'invalid-request',
      `"${source.name}" holds only the difference from a UNet, so it cannot be used alone.`,
      { hint: 'Open it together with the checkpoint that draws the picture.' },
    );
  }
  const { source: base } = await openModelWeights(options.base);
  const unet = locateUnet(base);
  if (unet === null) {
    throw new EngineError('model-invalid', `"${base.name}" has no UNet that "${source.name}" could act on.`, {
      hint: 'Choose a checkpoint as its base.',
    });
  }
  return build({ weights: overBase(file, unet, storage), sources: [source, base], isPooled }, options);
}

interface Found {
  readonly weights: Weights;
  readonly sources: readonly WeightSource[];
  readonly isPooled: boolean;
}

function build({ weights, sources, isPooled }: Found, options: NetworkOptions): ControlNet {
  const family = familyOf(weights.source, weights);
  return new ControlNetRunner({
    family,
    fileName: sources[0]?.name ?? '',
    network: controlNet(weights, FAMILIES[family]),
    hint: controlNetHint(weights),
    isPooled,
    sources,
    options,
  });
}
