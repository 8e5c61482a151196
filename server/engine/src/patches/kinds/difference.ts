import { countOf } from '../../weights/weight-source.ts';
import { times } from '../factor.ts';
import type { Part } from '../lora-keys.ts';
import type { ModuleParts } from '../module-parts.ts';
import type { Addition } from '../weight-change.ts';

/** The whole difference of two weights, or of a norm's or a bias's. */
export function difference(parts: ModuleParts, part: Part, kind: 'full' | 'norm'): Addition | null {
  if (!parts.has(part)) return null;
  const tensor = parts.tensor(part);
  const [outputs = 1, ...rest] = tensor.shape;
  const columns = countOf(rest);
  return {
    kind,
    outputs,
    columns,
    copies: 3,
    isByRows: true,
    scale: parts.scale(null),
    update: (graph, rows, factor) => {
      const matrix = { ...tensor, shape: [outputs, columns] };
      return times(graph, graph.weightRows(matrix, rows.first, rows.last), factor);
    },
  };
}
