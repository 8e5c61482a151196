import type { ModuleParts } from '../module-parts.ts';
import { towards, type WeightChange } from '../weight-change.ts';

/**
 * IA3: every output of a layer, or every input, is multiplied with 1 + its own number. Liu et al. 2022, arXiv:2205.05638,
 * as LyCORIS has it.
 */
export function rescaling(parts: ModuleParts): WeightChange | null {
  if (!parts.has('weight', 'on_input')) return null;
  const tensor = parts.tensor('weight');
  const count = tensor.shape.reduce((product, size) => product * size, 1);
  const isOnInput = parts.number('on_input') !== 0;
  return towards({
    kind: 'ia3',
    outputs: isOnInput ? null : count,
    columns: null,
    copies: 4,
    isByRows: true,
    changed: (graph, weight, { inputs, kernel }, rows) => {
      const one = graph.floats([1]);
      if (!isOnInput) {
        const scale = graph.weightRows({ ...tensor, shape: [count, 1] }, rows.first, rows.last);
        return graph.op('Mul', [weight, graph.op('Add', [scale, one])]);
      }
      if (count !== inputs) throw parts.error(`has ${count} inputs, but the model has ${inputs} there`);
      const planes = graph.op('Reshape', [weight, graph.ints([rows.last - rows.first, inputs, kernel])]);
      const scale = graph.op('Add', [graph.weight(tensor, [1, inputs, 1]), one]);
      const scaled = graph.op('Mul', [planes, scale]);
      return graph.op('Reshape', [scaled, graph.ints([rows.last - rows.first, inputs * kernel])]);
    },
  });
}
