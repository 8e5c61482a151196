import { EngineError } from '../errors.ts';
import { loraTargets, type LoraNetworks } from '../naming/lora-targets.ts';
import type { LiveNumber, PatchedTensor, TensorPatch } from '../onnx/graph.ts';
import { viewOf } from '../weights/renamed-source.ts';
import { countOf, type TensorInfo, type WeightSource } from '../weights/weight-source.ts';
import { Weights } from '../weights/weights.ts';
import type { Lora } from './lora.ts';
import type { ModuleChange } from './read-module.ts';
import type { WeightChange, WeightSize } from './weight-change.ts';

/** A LoRA with its strengths: 1 = as trained, 0 = none; may be negative, and above 1. */
export interface LoraUse {
  readonly lora: Lora;
  /** Of what it does to the UNet. */
  readonly unet: number;
  /** Of what it does to the text encoders. */
  readonly text: number;
  /**
   * `folded`: computed into the weights when the networks are loaded, so that it costs nothing later. `live`: beside the
   * weights, so that the strength may change between runs. Default: live where it is cheap, which is where it changes
   * matrices by small ranks and no convolutions.
   */
  readonly mode?: 'folded' | 'live';
}

/** A LoRA in use. */
export interface AppliedLora {
  readonly name: string;
  /** Modules of the model that it changes. */
  readonly changed: number;
  /** Tensors of the file that match nothing in the model, or mean nothing. */
  readonly unmatched: readonly string[];
  /** The strengths, which may be set between runs; null if they are folded. */
  readonly live: { readonly unet: LiveNumber; readonly text: LiveNumber } | null;
}

/** What messages call a model. */
export interface ModelName {
  readonly name: string;
  /** Of its family. */
  readonly title: string;
  /** Of the family that a LoRA seems to be for, where that is known. */
  readonly titleOf?: (lora: Lora) => string | null;
}

/** The networks of a model, changed. */
export interface PatchedNetworks {
  readonly networks: LoraNetworks;
  readonly applied: readonly AppliedLora[];
}

/**
 * Changes a model's networks by LoRAs, each acting on what those before it made. The networks are described anew from the
 * result; nothing is read or computed here.
 * @param model for messages
 * @throws EngineError `model-invalid` if a LoRA is for another model, `invalid-request` if it cannot be live as asked for
 */
export function patchNetworks(
  networks: LoraNetworks,
  uses: readonly LoraUse[],
  model: ModelName,
): PatchedNetworks {
  const parts = partsOf(networks);
  const patches = parts.map(() => new Map<string, TensorPatch[]>());
  const applied = uses.map((use, index) => {
    const changes = matchesOf(use.lora, parts, model);
    const live = liveStrengths(use, changes, index);
    for (const { part, target, change, size } of changes) {
      const strength = live?.[part.kind] ?? use[part.kind];
      const list = patches[parts.indexOf(part)]!;
      const before = list.get(target) ?? [];
      list.set(target, [...before, change.bind(size, strength)]);
    }
    return appliedLora(use.lora, changes, live);
  });
  const sources = uses.map(({ lora }) => lora.source);
  const changed = parts.map((part, index) => patchedWeights(part.weights, patches[index]!, sources));
  return { networks: reassembled(networks, changed), applied };
}

/** A network that LoRAs may change. */
interface NetworkPart {
  readonly kind: 'unet' | 'text';
  readonly weights: Weights;
  /** Names of modules in LoRA files to names in `weights.source`. */
  readonly targets: ReadonlyMap<string, string>;
}
interface Match {
  readonly part: NetworkPart;
  readonly module: ModuleChange;
  /** Full name of the tensor. */
  readonly target: string;
  readonly change: WeightChange;
  readonly size: WeightSize;
}

/** UNet first, then the text encoders that there are, in order. */
function partsOf({ unet, textEncoders = [] }: LoraNetworks): NetworkPart[] {
  const parts: NetworkPart[] = [];
  if (unet !== undefined) parts.push({ kind: 'unet', weights: unet, targets: loraTargets({ unet }) });
  textEncoders.forEach((weights, index) => {
    if (weights === null) return;
    const alone = textEncoders.map((encoder, at) => (at === index ? encoder : null));
    parts.push({ kind: 'text', weights, targets: loraTargets({ textEncoders: alone }) });
  });
  return parts;
}

function reassembled({ unet, textEncoders }: LoraNetworks, changed: readonly Weights[]): LoraNetworks {
  const next = changed.values();
  const take = (): Weights => next.next().value as Weights;
  return {
    ...(unet === undefined ? {} : { unet: take() }),
    ...(textEncoders === undefined
      ? {}
      : { textEncoders: textEncoders.map((encoder) => (encoder === null ? null : take())) }),
  };
}

/** What a LoRA changes in the networks. */
function matchesOf(lora: Lora, parts: readonly NetworkPart[], model: ModelName): Match[] {
  const matches: Match[] = [];
  for (const module of lora.modules.values()) {
    for (const part of parts) {
      const target = part.targets.get(module.name);
      if (target === undefined) continue;
      const changes = [['weight', module.weight] as const, ['bias', module.bias] as const];
      for (const [end, change] of changes) {
        const tensor = part.weights.source.tensors.get(`${target}.${end}`);
        if (change === null || tensor === undefined) continue;
        requireFit({ lora, module, model }, change, tensor);
        matches.push({ part, module, target: tensor.name, change, size: sizeOf(tensor) });
      }
    }
  }
  if (matches.length === 0) {
    const [example = ''] = lora.modules.keys();
    throw new EngineError(
      'model-invalid',
      `${misfit(lora, model)}: none of its ${lora.modules.size} modules, such as "${short(example)}", is in the model.`,
      { hint: OTHER_FAMILY },
    );
  }
  return matches;
}

function misfit(lora: Lora, { name, title, titleOf }: ModelName): string {
  const family = titleOf?.(lora) ?? null;
  return `"${lora.name}"${family === null ? '' : ` (${family})`} does not fit "${name}" (${title})`;
}

const OTHER_FAMILY =
  'It was made for another kind of model (SD 1.x, SD 2.x, SDXL); choose a model of the kind that it was made for.';

function requireFit(
  { lora, module, model }: { lora: Lora; module: ModuleChange; model: ModelName },
  change: WeightChange,
  tensor: TensorInfo,
): void {
  const { outputs, inputs, kernel } = sizeOf(tensor);
  const columns = inputs * kernel;
  if ((change.outputs ?? outputs) === outputs && (change.columns ?? columns) === columns) return;
  throw new EngineError(
    'model-invalid',
    `${misfit(lora, model)}: "${short(module.name)}" changes a weight of ${change.outputs ?? 'any'} x ${change.columns ?? 'any'}, but the model has ${outputs} x ${columns} there.`,
    { hint: OTHER_FAMILY },
  );
}

function sizeOf({ shape: [outputs = 1, inputs = 1, ...kernel] }: TensorInfo): WeightSize {
  return { outputs, inputs, kernel: countOf(kernel) };
}

/** Vectors and other small weights may be computed anew in each run. */
const SMALL = 65_536;

/**
 * Measured with rank 16 on SD 1.5: branches cost 4 % of an evaluation beside matrices, 11 % beside convolutions too, while
 * folding costs 1 to 6 s once; see docs/adr/0008-lora-live-or-folded.md.
 */
function liveStrengths(
  { lora, unet, text, mode }: LoraUse,
  matches: readonly Match[],
  index: number,
): AppliedLora['live'] {
  if (mode === 'folded') return null;
  const large = matches.filter(({ size }) => size.outputs * size.inputs * size.kernel > SMALL);
  const stiff = large.find(({ change }) => !change.canBeLive);
  if (mode === 'live' && stiff !== undefined) {
    throw new EngineError(
      'invalid-request',
      `"${lora.name}" cannot be live: what it does to "${short(stiff.module.name)}" (${stiff.change.kind}) has to be computed into the weights.`,
      { hint: 'Use it folded; its strength is then fixed until the model is opened again.' },
    );
  }
  const isCheap = stiff === undefined && large.every(({ size }) => size.kernel === 1);
  if (mode === undefined && !isCheap) return null;
  return {
    unet: { name: `lora${index}.unet`, value: unet },
    text: { name: `lora${index}.text`, value: text },
  };
}

function appliedLora(lora: Lora, changes: readonly Match[], live: AppliedLora['live']): AppliedLora {
  const matched = new Set(changes.map(({ module }) => module.name));
  const unmatched = [...lora.modules.keys()].filter((name) => !matched.has(name));
  return { name: lora.name, changed: matched.size, unmatched: [...unmatched, ...lora.unknown], live };
}

/** The same weights, with patches on the tensors that have some. */
function patchedWeights(
  { source, prefix }: Weights,
  patches: ReadonlyMap<string, readonly TensorPatch[]>,
  others: readonly WeightSource[],
): Weights {
  const tensors = new Map(source.tensors);
  for (const [name, list] of patches) {
    const tensor = tensors.get(name) as PatchedTensor;
    tensors.set(name, {
      ...tensor,
      patches: [...('patches' in tensor ? tensor.patches : []), ...list],
    } as PatchedTensor);
  }
  const checkUnchanged = async (): Promise<void> => {
    await Promise.all([source, ...others].map((each) => each.checkUnchanged()));
  };
  return new Weights({ ...viewOf(source, tensors), checkUnchanged }, prefix);
}

function short(name: string): string {
  return name.length > 120 ? `${name.slice(0, 120)}…` : name;
}
