import type { TensorInfo } from '../weights/weight-source.ts';

/** What a tensor is to the module that it changes, whatever it is called in the file. */
export type Part = (typeof PLAIN)[number] | 'up' | 'down' | 'mid' | 'dora_scale';

/** Kohya's and LyCORIS's own words. */
const PLAIN = [
  ...[
    'alpha',
    'scale',
    'diff',
    'diff_b',
    'w_norm',
    'b_norm',
    'weight',
    'on_input',
    'oft_blocks',
    'oft_diag',
    'rescale',
  ],
  ...['hada_w1_a', 'hada_w1_b', 'hada_w2_a', 'hada_w2_b', 'hada_t1', 'hada_t2'],
  ...['lokr_w1', 'lokr_w1_a', 'lokr_w1_b', 'lokr_w2', 'lokr_w2_a', 'lokr_w2_b', 'lokr_t2'],
  ...['a1.weight', 'a2.weight', 'b1.weight', 'b2.weight'],
] as const;

/** Ends of names: kohya, PEFT, diffusers before PEFT. */
const SPELLINGS: ReadonlyMap<string, Part> = new Map<string, Part>([
  ...PLAIN.map((name): [string, Part] => [name, name]),
  ...(
    [
      ['up', ['lora_up', 'lora.up', 'lora_B', 'lora_B.default', 'lora_linear_layer.up']],
      ['down', ['lora_down', 'lora.down', 'lora_A', 'lora_A.default', 'lora_linear_layer.down']],
      ['mid', ['lora_mid', 'lora.mid']],
      ['dora_scale', ['lora_magnitude_vector', 'lora_magnitude_vector.default']],
    ] as const
  ).flatMap(([part, names]) =>
    names.flatMap((name): [string, Part][] => [
      [name, part],
      [`${name}.weight`, part],
    ]),
  ),
  ['dora_scale', 'dora_scale'],
]);
/** `….processor.to_q_lora.up.weight`: here the layer's name is part of the module's. */
const OLD_SPELLINGS: ReadonlyMap<string, Part> = new Map<string, Part>([
  ['up.weight', 'up'],
  ['down.weight', 'down'],
]);
/** An end has at most so many dots in it. */
const MAX_DOTS = 3;
/** PEFT's own wrapping of a model. */
const WRAPPING = 'base_model.model.';

/** Tensors by module, then by what they are to it; and the names that say neither. */
export interface GroupedTensors {
  readonly modules: ReadonlyMap<string, ReadonlyMap<Part, TensorInfo>>;
  readonly unknown: readonly string[];
}

/** Sorts the tensors of a file by the module that they change. */
export function groupByModule(tensors: ReadonlyMap<string, TensorInfo>): GroupedTensors {
  const modules = new Map<string, Map<Part, TensorInfo>>();
  const unknown: string[] = [];
  for (const [key, tensor] of tensors) {
    const split = splitKey(key);
    if (split === null) {
      unknown.push(key);
      continue;
    }
    const parts = modules.get(split.module);
    if (parts === undefined) modules.set(split.module, new Map([[split.part, tensor]]));
    else if (!parts.has(split.part)) parts.set(split.part, tensor);
  }
  return { modules, unknown };
}

function splitKey(key: string): { module: string; part: Part } | null {
  const name = key.startsWith(WRAPPING) ? key.slice(WRAPPING.length) : key;
  const dots: number[] = [];
  for (let dot = name.lastIndexOf('.'); dot > 0 && dots.length < MAX_DOTS;) {
    dots.push(dot);
    dot = name.lastIndexOf('.', dot - 1);
  }
  for (const dot of dots.reverse()) {
    const module = name.slice(0, dot);
    const end = name.slice(dot + 1);
    const part = SPELLINGS.get(end) ?? (module.endsWith('_lora') ? OLD_SPELLINGS.get(end) : undefined);
    if (part !== undefined) return { module, part };
  }
  return null;
}
