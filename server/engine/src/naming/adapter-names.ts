import { renameParts, type Part } from './rename-parts.ts';

/**
 * Names of a T2I-Adapter in diffusers' layout (`adapter.body.1.resnets.0.block1`: a number for the level, one in it) to
 * those of the original code (`body.2.block1`: one running number). The light kind, told by its `out_conv`, keeps the
 * level's number (`body.1.body.0.block1`).
 */
export function diffusersToOriginalAdapter(names: Iterable<string>): Map<string, string> {
  const list = [...names];
  const counts = new Map<number, number>();
  for (const name of list) {
    const [, level, block] = /^adapter\.body\.(\d{1,2})\.resnets\.(\d{1,2})\./.exec(name) ?? [];
    if (level !== undefined) {
      counts.set(Number(level), Math.max(counts.get(Number(level)) ?? 0, Number(block) + 1));
    }
  }
  const isLight = list.some((name) => /^adapter\.body\.\d{1,2}\.out_conv\./.test(name));
  const parts: Part[] = [{ from: 'adapter.conv_in', to: 'conv_in' }];
  let first = 0; // running number of the level's first block
  for (const [level, count] of [...counts].sort(([a], [b]) => a - b)) {
    const [from, start] = [`adapter.body.${level}`, `body.${isLight ? level : first}`];
    parts.push({ from: `${from}.in_conv`, to: `${start}.in_conv` });
    parts.push({ from: `${from}.out_conv`, to: `${start}.out_conv` });
    for (let block = 0; block < count; block += 1) {
      const to = isLight ? `${start}.body.${block}` : `body.${first + block}`;
      parts.push({ from: `${from}.resnets.${block}`, to });
    }
    first += count;
  }
  return renameParts(list, parts);
}
