import { guidanceWeights, instructionWeights } from '../diffusion/guidance.ts';
import type { Latents } from '../diffusion/latents.ts';
import type { Guides, SizeConditioning } from '../families/diffusion-model.ts';
import type { Conditioning, TimedConditioning } from './conditioning.ts';
import type { Settings } from './settings.ts';

/** One of the evaluations of the UNet that a step is made of. */
export interface Branch {
  /** How much of its answer is in the sum; the weights of all add up to 1. */
  readonly weight: number;
  /** The same where there is no guidance. */
  readonly plainWeight: number;
  /** The text over time, at least one entry. */
  readonly schedule: readonly TimedConditioning[];
  readonly guides: Guides;
  readonly isUncond: boolean;
}

/** How well liked the picture should be that SDXL's refiner draws, and the one it should keep away from. */
const [LIKED, DISLIKED] = [6, 2.5];

/**
 * Classifier-free guidance away from the negative prompt, towards one prompt or several.
 * @param concat What the UNet takes beside the latents.
 */
export function textBranches(
  { conds, uncond }: Conditioning,
  { cfgScale, size }: Pick<Settings, 'cfgScale' | 'size'>,
  concat?: Latents,
): Branch[] {
  const weights = guidanceWeights(
    cfgScale,
    conds.map(({ weight }) => weight),
  );
  const towards = conds.map(({ schedule }, index) => ({
    weight: weights.conds[index]!,
    plainWeight: plainWeight(conds, index),
    schedule,
    guides: guides(size, LIKED, concat),
    isUncond: false,
  }));
  const away = {
    weight: weights.uncond,
    plainWeight: 0,
    schedule: uncond,
    guides: guides(size, DISLIKED, concat),
    isUncond: true,
  };
  return [...towards, away];
}

/** Guidance by a picture and by a text that says what to change in it. @param picture Its unscaled latents. */
export function instructionBranches(
  { conds, uncond }: Conditioning,
  { cfgScale, size }: Pick<Settings, 'cfgScale' | 'size'>,
  { picture, imageCfgScale }: { picture: Latents; imageCfgScale: number },
): Branch[] {
  const weights = instructionWeights(cfgScale, imageCfgScale);
  const none = { data: new Float32Array(picture.data.length), dims: picture.dims };
  const away = { schedule: uncond, isUncond: true };
  return [
    ...conds.map(({ schedule, weight }, index) => ({
      weight: weight * weights.cond,
      plainWeight: plainWeight(conds, index),
      schedule,
      guides: guides(size, LIKED, picture),
      isUncond: false,
    })),
    {
      // What several prompts count more or less than one is taken from here, so that all adds up to 1.
      weight: weights.image + weights.cond * conds.reduce((rest, { weight }) => rest - weight, 1),
      plainWeight: 0,
      guides: guides(size, DISLIKED, picture),
      ...away,
    },
    { weight: weights.uncond, plainWeight: 0, guides: guides(size, DISLIKED, none), ...away },
  ];
}

/** Of several prompts: the first stands in for the negative one, as in the webui. */
function plainWeight(conds: Conditioning['conds'], index: number): number {
  const [, ...others] = conds;
  return index === 0 ? others.reduce((rest, { weight }) => rest - weight, 1) : conds[index]!.weight;
}

function guides(size: SizeConditioning, aestheticScore: number, concat?: Latents): Guides {
  return { size: { ...size, aestheticScore }, ...(concat === undefined ? {} : { concat }) };
}
