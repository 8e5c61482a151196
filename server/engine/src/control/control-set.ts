import type { Latents } from '../diffusion/latents.ts';
import { EngineError } from '../errors.ts';
import type { Guides, PixelPlanes } from '../families/diffusion-model.ts';
import { imagePromptInputs } from '../families/image-prompt-inputs.ts';
import type { AdapterUnit, ControlNetUnit, Controls, ControlStep, ControlUnit } from './controls.ts';
import { isActive, type StepRule } from './is-active.ts';
import { actsOnUncond, adapterWeights, controlNetWeights } from './layer-weights.ts';
import { OncePerSize } from './once-per-size.ts';
import {
  sumOfControls,
  sumOfFeatures,
  type WeightedControl,
  type WeightedFeatures,
} from './sum-of-controls.ts';

/**
 * Guides sampling by any number of ControlNets, adapters and image prompts.
 * @param rule whose reading of `start` and `end`
 * @throws EngineError `invalid-request` if a setting makes no sense
 */
export function controlsOf(units: readonly ControlUnit[], rule: StepRule): Controls {
  units.forEach(requireSense);
  const nets = units.filter((unit) => unit.kind === 'controlnet').map((unit) => new NetWorker(unit));
  const adapters = units.filter((unit) => unit.kind === 'adapter').map((unit) => new AdapterWorker(unit));
  const prompts = units.filter((unit) => unit.kind === 'image-prompt');
  return {
    guidesFor: async (step) => {
      const active = <Worker extends { unit: ControlUnit }>(workers: readonly Worker[]): Worker[] =>
        workers.filter(({ unit }) => isActive(unit, step, rule));
      const controls: WeightedControl[] = [];
      for (const worker of active(nets)) controls.push(...(await worker.evaluate(step)));
      const features: WeightedFeatures[] = [];
      for (const worker of active(adapters)) features.push(...(await worker.evaluate(step)));
      const [control, sum] = [sumOfControls(controls), sumOfFeatures(features)];
      const inputs: Guides['inputs'] = Object.assign(
        {},
        ...prompts.map((unit) =>
          imagePromptInputs(unit.index, {
            tokens: step.isUncond ? unit.tokens.uncond : unit.tokens.cond,
            weight: isActive(unit, step, rule) ? (unit.weight ?? 1) : 0,
            batch: step.x.dims[0],
          }),
        ),
      ) as NonNullable<Guides['inputs']>;
      return {
        ...(control === undefined ? {} : { control }),
        ...(sum === undefined ? {} : { features: sum }),
        ...(prompts.length === 0 ? {} : { inputs }),
      };
    },
  };
}

/** A ControlNet at work: keeps its hint's encoding. */
class NetWorker {
  readonly unit: ControlNetUnit;
  readonly #hint: OncePerSize<Latents>;

  constructor(unit: ControlNetUnit) {
    this.unit = unit;
    this.#hint = new OncePerSize(async (height, width) =>
      unit.network.encodeHint(await hintOf(unit, height, width)),
    );
  }

  async evaluate(step: ControlStep): Promise<WeightedControl[]> {
    const { network, mode = 'balanced', weight = 1, layerWeights, region } = this.unit;
    const isPooled = this.unit.isPooled ?? network.isPooled;
    if (step.isUncond && (isPooled || !actsOnUncond(mode))) return [];
    const { x, timestep, context, size } = step;
    const [, , height, width] = x.dims;
    const hint = await this.#hint.get(height * network.factor, width * network.factor);
    const residuals = await network.evaluate({ x, timestep, context, hint, ...(size && { size }) });
    const layers = residuals.skips.length + 1;
    const weights = ownWeights(layerWeights, layers) ?? controlNetWeights(mode, weight, layers);
    return [{ residuals, weights, region, isPooled }];
  }
}

/** An adapter at work: keeps its features. */
class AdapterWorker {
  readonly unit: AdapterUnit;
  readonly #features: OncePerSize<readonly Latents[]>;

  constructor(unit: AdapterUnit) {
    this.unit = unit;
    this.#features = new OncePerSize(async (height, width) =>
      unit.network.features(await hintOf(unit, height, width)),
    );
  }

  async evaluate(step: ControlStep): Promise<WeightedFeatures[]> {
    const { mode = 'balanced', weight = 1, layerWeights, region } = this.unit;
    if (step.isUncond && !actsOnUncond(mode)) return [];
    const [, , height, width] = step.x.dims;
    const features = await this.#features.get(height * PIXELS, width * PIXELS);
    const own = ownWeights(layerWeights, features.length);
    const weights = own ?? adapterWeights(mode, weight, features.length);
    return [{ features, weights, region }];
  }
}

async function hintOf(
  unit: ControlNetUnit | AdapterUnit,
  height: number,
  width: number,
): Promise<PixelPlanes> {
  const hint = await unit.hint(height, width);
  if (hint.height === height && hint.width === width) return hint;
  throw new EngineError(
    'invalid-request',
    `Expected a control picture of ${width}x${height} pixels but received ${hint.width}x${hint.height}.`,
    { hint: 'Resize or crop it to the size of the picture that is drawn.' },
  );
}

/** @throws EngineError `invalid-request` if there is not one for each layer */
function ownWeights(given: readonly number[] | undefined, layers: number): readonly number[] | undefined {
  if (given === undefined || given.length === layers) return given;
  throw new EngineError(
    'invalid-request',
    `Expected a weight for each of ${layers} layers but received ${given.length}.`,
    { hint: 'Leave them out to have one weight for all layers.' },
  );
}

/** Along the side of one latent, in all families. */
const PIXELS = 8;

function requireSense({ weight = 1, start = 0, end = 1 }: ControlUnit): void {
  const isPart = [start, end].every((share) => share >= 0 && share <= 1) && start <= end;
  if (isPart && Number.isFinite(weight)) return;
  throw new EngineError(
    'invalid-request',
    `Expected a start and an end with 0 ≤ start ≤ end ≤ 1 and a number as weight, but received ${start}, ${end} and ${weight}.`,
    { hint: 'Start and end are parts of the steps: 0 is the first, 1 the last.' },
  );
}
