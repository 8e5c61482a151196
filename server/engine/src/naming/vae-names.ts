import { renameParts, reversed, type Part } from './rename-parts.ts';

/**
 * The VAE's two layouts: that of the original code ("LDM") and that of diffusers, whose decoder counts its levels the
 * other way round. LDM's attention has 1x1 convolutions where diffusers has matrices: the same numbers in the same order.
 *
 * Names are without the prefix of the network (`first_stage_model.`).
 */

const RESIDUAL: ReadonlyMap<string, string> = new Map([
  ['norm1', 'norm1'],
  ['conv1', 'conv1'],
  ['norm2', 'norm2'],
  ['conv2', 'conv2'],
  ['nin_shortcut', 'conv_shortcut'],
]);
const ATTENTION: ReadonlyMap<string, string> = new Map([
  ['norm', 'group_norm'],
  ['q', 'to_q'],
  ['k', 'to_k'],
  ['v', 'to_v'],
  ['proj_out', 'to_out.0'],
]);
/** As diffusers wrote it before 0.15. */
const OLD_ATTENTION: ReadonlyMap<string, string> = new Map([
  ['norm', 'group_norm'],
  ['q', 'query'],
  ['k', 'key'],
  ['v', 'value'],
  ['proj_out', 'proj_attn'],
]);

/** LDM names to diffusers' present names. What has no counterpart is left out. */
export function ldmToDiffusersVae(names: Iterable<string>): Map<string, string> {
  const list = [...names];
  return renameParts(list, parts(levelsOf(list, 'up'), ATTENTION));
}

/** Diffusers names, present and old ones, to LDM names. What has no counterpart is left out. */
export function diffusersToLdmVae(names: Iterable<string>): Map<string, string> {
  const list = [...names];
  const isOld = list.some((name) => name.endsWith('.attentions.0.query.weight'));
  return renameParts(list, reversed(parts(levelsOf(list, 'up_blocks'), isOld ? OLD_ATTENTION : ATTENTION)));
}

/** More levels or blocks than any VAE has. */
const MOST = 16;

function parts(levels: number, attention: ReadonlyMap<string, string>): Part[] {
  const all: Part[] = [{ from: 'quant_conv', to: 'quant_conv' }];
  all.push({ from: 'post_quant_conv', to: 'post_quant_conv' });
  for (const half of ['encoder', 'decoder']) {
    const [way, sampler, ldmSampler] =
      half === 'encoder' ? ['down', 'downsamplers', 'downsample'] : ['up', 'upsamplers', 'upsample'];
    const add = (from: string, to: string, layers?: ReadonlyMap<string, string>): void => {
      all.push({ from: `${half}.${from}`, to: `${half}.${to}`, ...(layers && { layers }) });
    };
    add('conv_in', 'conv_in');
    add('norm_out', 'conv_norm_out');
    add('conv_out', 'conv_out');
    add('mid.block_1', 'mid_block.resnets.0', RESIDUAL);
    add('mid.attn_1', 'mid_block.attentions.0', attention);
    add('mid.block_2', 'mid_block.resnets.1', RESIDUAL);
    for (let level = 0; level < (half === 'encoder' ? MOST : levels); level += 1) {
      const ldm = `${way}.${level}`;
      const diffusers = `${way}_blocks.${half === 'encoder' ? level : levels - 1 - level}`;
      add(`${ldm}.${ldmSampler}.conv`, `${diffusers}.${sampler}.0.conv`);
      for (let block = 0; block < MOST; block += 1) {
        add(`${ldm}.block.${block}`, `${diffusers}.resnets.${block}`, RESIDUAL);
        add(`${ldm}.attn.${block}`, `${diffusers}.attentions.${block}`, attention);
      }
    }
  }
  return all;
}

/** How many levels the decoder has; without a decoder nothing of it needs a name. */
function levelsOf(names: readonly string[], way: string): number {
  const levels = names.map((name) => {
    const [half, head, number = ''] = name.split('.', 3);
    return half === 'decoder' && head === way && /^\d{1,2}$/.test(number) ? Number(number) + 1 : 0;
  });
  return Math.min(
    MOST,
    levels.reduce((most, level) => Math.max(most, level), 0),
  );
}
