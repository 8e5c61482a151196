/** Times of one thing, one a round. */
export interface Timing {
  name: string;
  ms: number[];
  /** Name of what it is compared with. */
  against?: string;
}

/** The middle one of the sorted values, or the mean of the middle two. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('There is no median of nothing');
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? NaN;
  return (lower + upper) / 2;
}

/** The timings as a Markdown table with medians, ranges and ratios of medians. */
export function table(timings: readonly Timing[]): string {
  const medians = new Map(timings.map(({ name, ms }) => [name, median(ms)]));
  const rows = timings.map(({ name, ms, against }) => {
    const base = against === undefined ? undefined : medians.get(against);
    const ratio = base === undefined ? '' : `${(median(ms) / base).toFixed(3)} × ${against}`;
    return [
      name,
      time(median(ms)),
      `${time(Math.min(...ms))} – ${time(Math.max(...ms))}`,
      String(ms.length),
      ratio,
    ];
  });
  return aligned([['What', 'Median', 'Range', 'Rounds', 'Ratio'], ...rows]);
}

const time = (ms: number): string => (ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(2)} s`);

function aligned([head = [], ...rows]: readonly string[][]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
