import { renameParts, reversed, type Part } from './rename-parts.ts';

/**
 * The UNet's two layouts: that of the original code ("LDM": `input_blocks.4.1`, one running number for everything on the
 * way down) and that of diffusers (`down_blocks.1.attentions.0`, a number for the level and one in it). Which running
 * number is which level follows from where the names say that the size changes, so depth and blocks a level are free.
 * A ControlNet is the way down of a UNet with a few parts of its own, and is covered too.
 *
 * Names are without the prefix of the network (`model.diffusion_model.`, `control_model.`).
 */

/** Layers of a residual block, LDM to diffusers. */
const RESIDUAL: ReadonlyMap<string, string> = new Map([
  ['in_layers.0', 'norm1'],
  ['in_layers.2', 'conv1'],
  ['emb_layers.1', 'time_emb_proj'],
  ['out_layers.0', 'norm2'],
  ['out_layers.3', 'conv2'],
  ['skip_connection', 'conv_shortcut'],
]);

/** Parts whose names do not depend on the depth. `class_embedding` is what diffusers calls it in a few older models. */
const FIXED: readonly Part[] = [
  { from: 'input_blocks.0.0', to: 'conv_in' },
  { from: 'time_embed.0', to: 'time_embedding.linear_1' },
  { from: 'time_embed.2', to: 'time_embedding.linear_2' },
  { from: 'label_emb.0.0', to: 'add_embedding.linear_1' },
  { from: 'label_emb.0.2', to: 'add_embedding.linear_2' },
  { from: 'label_emb.0.0', to: 'class_embedding.linear_1' },
  { from: 'label_emb.0.2', to: 'class_embedding.linear_2' },
  { from: 'out.0', to: 'conv_norm_out' },
  { from: 'out.2', to: 'conv_out' },
  { from: 'middle_block_out.0', to: 'controlnet_mid_block' },
];

/** LDM names to diffusers names. What has no counterpart is left out. */
export function ldmToDiffusersUnet(names: Iterable<string>): Map<string, string> {
  const list = [...names];
  return renameParts(list, partsOfLdm(list));
}

/** Diffusers names to LDM names. What has no counterpart is left out. */
export function diffusersToLdmUnet(names: Iterable<string>): Map<string, string> {
  const list = [...names];
  return renameParts(list, reversed(partsOfDiffusers(list)));
}

const residual = (from: string, to: string): Part => ({ from, to, layers: RESIDUAL });

function partsOfLdm(names: readonly string[]): Part[] {
  const blocks = new LdmBlocks(names);
  const parts = [...FIXED];
  let level = 0;
  let layer = 0;
  for (const index of blocks.numbers('input_blocks')) {
    if (index === 0) continue; // the first convolution
    const [block, down] = [`input_blocks.${index}`, `down_blocks.${level}`];
    if (blocks.has(`${block}.0.op`)) {
      parts.push({ from: `${block}.0.op`, to: `${down}.downsamplers.0.conv` });
      [level, layer] = [level + 1, 0];
      continue;
    }
    parts.push(residual(`${block}.0`, `${down}.resnets.${layer}`));
    parts.push({ from: `${block}.1`, to: `${down}.attentions.${layer}` });
    layer += 1;
  }
  [level, layer] = [0, 0];
  for (const index of blocks.numbers('output_blocks')) {
    const [block, up] = [`output_blocks.${index}`, `up_blocks.${level}`];
    const sampler = [1, 2].map((at) => `${block}.${at}.conv`).find((name) => blocks.has(name));
    parts.push(residual(`${block}.0`, `${up}.resnets.${layer}`));
    parts.push({ from: `${block}.1`, to: `${up}.attentions.${layer}` });
    layer += 1;
    if (sampler === undefined) continue;
    parts.push({ from: sampler, to: `${up}.upsamplers.0.conv` });
    [level, layer] = [level + 1, 0];
  }
  const counts = { resnets: 0, attentions: 0 };
  for (const index of blocks.numbers('middle_block')) {
    const block = `middle_block.${index}`;
    if (blocks.has(`${block}.in_layers`)) {
      parts.push(residual(block, `mid_block.resnets.${counts.resnets++}`));
    } else {
      parts.push({ from: block, to: `mid_block.attentions.${counts.attentions++}` });
    }
  }
  for (const index of blocks.numbers('zero_convs')) {
    parts.push({ from: `zero_convs.${index}.0`, to: `controlnet_down_blocks.${index}` });
  }
  return [...parts, ...hintParts(blocks.numbers('input_hint_block').length)];
}

function partsOfDiffusers(names: readonly string[]): Part[] {
  const blocks = new DiffusersBlocks(names);
  const parts = [...FIXED];
  let index = 1;
  for (let level = 0; level < blocks.count('down_blocks'); level += 1) {
    const down = `down_blocks.${level}`;
    for (let layer = 0; layer < blocks.count(`${down}.resnets`); layer += 1, index += 1) {
      parts.push(residual(`input_blocks.${index}.0`, `${down}.resnets.${layer}`));
      parts.push({ from: `input_blocks.${index}.1`, to: `${down}.attentions.${layer}` });
    }
    if (blocks.count(`${down}.downsamplers`) === 0) continue;
    parts.push({ from: `input_blocks.${index}.0.op`, to: `${down}.downsamplers.0.conv` });
    index += 1;
  }
  index = 0;
  for (let level = 0; level < blocks.count('up_blocks'); level += 1) {
    const up = `up_blocks.${level}`;
    const layers = blocks.count(`${up}.resnets`);
    const attentions = blocks.count(`${up}.attentions`);
    for (let layer = 0; layer < layers; layer += 1, index += 1) {
      parts.push(residual(`output_blocks.${index}.0`, `${up}.resnets.${layer}`));
      parts.push({ from: `output_blocks.${index}.1`, to: `${up}.attentions.${layer}` });
    }
    const last = `output_blocks.${index - 1}.${attentions === layers ? 2 : 1}.conv`;
    parts.push({ from: last, to: `${up}.upsamplers.0.conv` });
  }
  for (let layer = 0; layer < blocks.count('mid_block.resnets'); layer += 1) {
    const at = layer + Math.min(layer, blocks.count('mid_block.attentions'));
    parts.push(residual(`middle_block.${at}`, `mid_block.resnets.${layer}`));
    parts.push({ from: `middle_block.${at + 1}`, to: `mid_block.attentions.${layer}` });
  }
  for (let at = 0; at < blocks.count('controlnet_down_blocks'); at += 1) {
    parts.push({ from: `zero_convs.${at}.0`, to: `controlnet_down_blocks.${at}` });
  }
  return [...parts, ...hintParts(blocks.count('controlnet_cond_embedding.blocks') + 2)];
}

/** The picture's way into a ControlNet: convolutions at every second place, between activations. */
function hintParts(convolutions: number): Part[] {
  return Array.from({ length: convolutions }, (_, index) => {
    const isLast = index === convolutions - 1;
    const layer = index === 0 ? 'conv_in' : isLast ? 'conv_out' : `blocks.${index - 1}`;
    return { from: `input_hint_block.${2 * index}`, to: `controlnet_cond_embedding.${layer}` };
  });
}

/** The first levels of all names, and the numbers in them. */
class LdmBlocks {
  readonly #prefixes = new Set<string>();
  readonly #numbers = new Map<string, Set<number>>();

  constructor(names: readonly string[]) {
    for (const name of names) {
      const [head = '', number = '', ...rest] = name.split('.', 5);
      if (!/^\d{1,3}$/.test(number)) continue;
      let numbers = this.#numbers.get(head);
      if (numbers === undefined) this.#numbers.set(head, (numbers = new Set()));
      numbers.add(Number(number));
      for (let end = 1; end <= rest.length; end += 1) {
        this.#prefixes.add([head, number, ...rest.slice(0, end)].join('.'));
      }
    }
  }

  has(prefix: string): boolean {
    return this.#prefixes.has(prefix);
  }

  numbers(head: string): number[] {
    return [...(this.#numbers.get(head) ?? [])].sort((a, b) => a - b);
  }
}

/** How many numbered children there are below each prefix: one more than the largest number. */
class DiffusersBlocks {
  readonly #counts = new Map<string, number>();

  constructor(names: readonly string[]) {
    for (const name of names) {
      const parts = name.split('.', 5);
      for (let at = 1; at < parts.length; at += 1) {
        const number = parts[at] as string;
        if (!/^\d{1,2}$/.test(number)) continue;
        const prefix = parts.slice(0, at).join('.');
        this.#counts.set(prefix, Math.max(this.count(prefix), Number(number) + 1));
      }
    }
  }

  count(prefix: string): number {
    return this.#counts.get(prefix) ?? 0;
  }
}
