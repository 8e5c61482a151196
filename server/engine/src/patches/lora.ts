import { EngineError } from '../errors.ts';
import type { TensorInfo, WeightSource } from '../weights/weight-source.ts';
import { countOf } from '../weights/weight-source.ts';
import { groupByModule, type Part } from './lora-keys.ts';
import { readLoraCard, type LoraCard } from './lora-card.ts';
import { ModuleParts } from './module-parts.ts';
import { PeftConfig } from './peft-config.ts';
import { readModule, type ModuleChange } from './read-module.ts';
import type { PatchKind } from './weight-change.ts';

/** A file of changes to a model's weights: LoRA and its relatives. */
export interface Lora {
  /** File name without folders. */
  readonly name: string;
  readonly kinds: readonly PatchKind[];
  readonly card: LoraCard;
  /** By the module's name in the file. */
  readonly modules: ReadonlyMap<string, ModuleChange>;
  /** Names of tensors that mean nothing here. */
  readonly unknown: readonly string[];
  readonly source: WeightSource;
}

/** Parts that are single numbers. */
const NUMBERS = new Set<Part>(['alpha', 'scale', 'on_input']);
/** More modules than this has no model; SDXL with its text encoders has some 2,000. */
const MAX_MODULES = 20_000;
/** Read at the same time. */
const READERS = 16;

/**
 * Reads a file's changes, all but the weights themselves: those are used where they lie.
 * @throws EngineError `model-invalid` if it has none, or if some of them cannot be meant
 */
export async function readLora(source: WeightSource): Promise<Lora> {
  const { modules: groups, unknown } = groupByModule(source.tensors);
  if (groups.size > MAX_MODULES) {
    throw invalid(source, `changes ${groups.size} modules; at most ${MAX_MODULES} are taken`);
  }
  const numbers = await readNumbers(source, groups.values());
  const peft = new PeftConfig(source.metadata.get('lora_adapter_metadata'));
  const modules = new Map<string, ModuleChange>();
  const unread = [...unknown];
  for (const [name, tensors] of groups) {
    const stated = new Map(
      [...tensors].flatMap(([part, tensor]) => {
        const number = numbers.get(tensor);
        return number === undefined ? [] : [[part, number] as const];
      }),
    );
    const rank = tensors.get('down')?.shape[0] ?? 1;
    const parts = new ModuleParts(
      { name, file: source.name },
      tensors,
      new Map([...peft.numbersOf(name, rank), ...stated]),
    );
    const change = readModule(parts);
    if (change === null) unread.push(...[...tensors.values()].map((tensor) => tensor.name));
    else modules.set(name, change);
  }
  if (modules.size === 0) throw invalid(source, 'has no LoRA or other change of weights in it');
  const kinds = [...modules.values()].flatMap(({ weight, bias }) => [weight, bias]);
  return {
    name: source.name,
    kinds: [...new Set(kinds.flatMap((change) => (change === null ? [] : [change.kind])))],
    card: readLoraCard(source),
    modules,
    unknown: unread,
    source,
  };
}

async function readNumbers(
  source: WeightSource,
  groups: Iterable<ReadonlyMap<Part, TensorInfo>>,
): Promise<Map<TensorInfo, number>> {
  const wanted = [...groups].flatMap((parts) =>
    [...parts].flatMap(([part, tensor]) =>
      NUMBERS.has(part) && countOf(tensor.shape) === 1 ? [tensor] : [],
    ),
  );
  const numbers = new Map<TensorInfo, number>();
  const queue = wanted.values();
  const read = async (): Promise<void> => {
    for (const tensor of queue) {
      const [value = Number.NaN] = await source.readFloats(tensor);
      numbers.set(tensor, value);
    }
  };
  await Promise.all(Array.from({ length: READERS }, read));
  return numbers;
}

function invalid({ name }: WeightSource, what: string): EngineError {
  return new EngineError('model-invalid', `"${name}" ${what}.`, {
    hint: 'Choose a LoRA, LyCORIS or similar file for Stable Diffusion.',
  });
}
