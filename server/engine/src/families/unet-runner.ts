import type { Latents } from '../diffusion/latents.ts';
import { EngineError } from '../errors.ts';
import type { UnetModel } from '../networks/unet.ts';
import type { Array32 } from '../onnx/session.ts';
import type { Guides } from './diffusion-model.ts';
import type { LazyNetwork } from './lazy-network.ts';
import { toLatents } from './planes.ts';
import { stepInputs, type StepFacts } from './unet-inputs.ts';

/** Adds nothing, whatever it is added to. */
const NOTHING: Array32 = { data: new Float32Array(1), dims: [1, 1, 1, 1] };

/** One evaluation of a UNet: brings latents, text and guides into the shapes of its inputs. */
export async function runUnet(
  network: LazyNetwork<UnetModel>,
  { x, timestep, context, guides, factor }: Evaluation,
): Promise<Latents> {
  const { inputChannels, idleInputs } = network.model;
  const channels = x.dims[1] + (guides.concat?.dims[1] ?? 0);
  if (channels !== inputChannels) {
    throw new RangeError(`Expected ${inputChannels} channels but received ${channels}.`);
  }
  const inputs: Record<string, Array32> = {
    sample: guides.concat === undefined ? x : beside(x, guides.concat),
    ...stepInputs({ x, timestep, context, size: guides.size, factor }, network.model),
    ...guidesOf(network.model, guides),
    ...idleInputs(x.dims[0]),
    ...guides.inputs,
  };
  return toLatents(await network.runOne(inputs, 'out'));
}

interface Evaluation extends Omit<StepFacts, 'size'> {
  readonly guides: Guides;
}

/**
 * All guiding inputs of the network; those that are not given add nothing.
 * @throws EngineError `invalid-request` if what guides was made for another network
 */
function guidesOf({ skips, features }: UnetModel, guides: Guides): Record<string, Array32> {
  requireCount('ControlNet', guides.control?.skips.length, skips);
  requireCount('T2I-Adapter', guides.features?.length, features.length);
  requireChannels('T2I-Adapter', guides.features, features);
  const inputs: Record<string, Array32> = { control_mid: guides.control?.middle ?? NOTHING };
  for (let index = 0; index < skips; index += 1) {
    inputs[`control${index}`] = guides.control?.skips[index] ?? NOTHING;
  }
  features.forEach((_, index) => {
    inputs[`feature${index}`] = guides.features?.[index] ?? NOTHING;
  });
  return inputs;
}

function requireCount(what: string, given: number | undefined, taken: number): void {
  if (given === undefined || given === taken) return;
  throw misfit(what, `adds to ${given} layers, but this model has ${taken}`);
}

function requireChannels(
  what: string,
  given: readonly Latents[] | undefined,
  taken: readonly number[],
): void {
  const wrong = given?.find(({ dims: [, channels] }, index) => channels !== taken[index]);
  if (wrong === undefined) return;
  const widths = given?.map(({ dims: [, channels] }) => channels).join(', ');
  throw misfit(what, `is for layers ${widths} wide, but this model has layers ${taken.join(', ')} wide`);
}

function misfit(what: string, how: string): EngineError {
  return new EngineError('invalid-request', `The ${what} ${how}.`, {
    hint: `Choose a ${what} that was made for this family of models.`,
  });
}

/** Channels of `more` behind those of `x`, for each picture of the batch. */
export function beside(x: Latents, more: Latents): Latents {
  const [batch, channels, height, width] = x.dims;
  const [times, extra, ...sides] = more.dims;
  if (sides[0] !== height || sides[1] !== width || (times !== 1 && times !== batch)) {
    throw new RangeError(`Cannot put dims ${more.dims.join(', ')} beside ${x.dims.join(', ')}.`);
  }
  const area = height * width;
  const data = new Float32Array(batch * (channels + extra) * area);
  for (let index = 0; index < batch; index += 1) {
    const start = index * (channels + extra) * area;
    data.set(x.data.subarray(index * channels * area, (index + 1) * channels * area), start);
    const from = times === 1 ? 0 : index * extra * area;
    data.set(more.data.subarray(from, from + extra * area), start + channels * area);
  }
  return { data, dims: [batch, channels + extra, height, width] };
}
