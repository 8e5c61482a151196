import type { GraphBuilder, Value } from '../../onnx/graph.ts';
import { countOf } from '../../weights/weight-source.ts';
import { factorOf } from '../factor.ts';
import type { ModuleParts } from '../module-parts.ts';
import { towards, type Addition, type WeightChange, type WeightSize } from '../weight-change.ts';

/**
 * DoRA: after an update, every output of the weight (or every input, as files of older LyCORIS have it: `dora_scale` is
 * [1, inputs] there) is brought to its own length. Liu et al. 2024, arXiv:2402.09353. As in the webui and ComfyUI, the
 * strength goes from the weight towards the result; the update itself always acts in full.
 */
export function decomposed(parts: ModuleParts, addition: Addition): WeightChange {
  const lengths = parts.tensor('dora_scale');
  const count = countOf(lengths.shape);
  const isVector = lengths.shape.length === 1;
  const isByInput = isVector ? count !== addition.outputs : lengths.shape[0] === 1 && count !== 1;
  if (!isByInput && count !== addition.outputs) {
    throw parts.error(`has ${count} lengths for a weight of ${addition.outputs} outputs`);
  }
  return towards({
    kind: 'dora',
    outputs: addition.outputs,
    columns: addition.columns,
    copies: addition.copies + 8,
    isByRows: false,
    changed: (graph, weight, size, rows) => {
      if (isByInput && count !== size.inputs) {
        throw parts.error(`has ${count} inputs, but the model has ${size.inputs} there`);
      }
      const merged = graph.op('Add', [weight, addition.update(graph, rows, factorOf(1, addition.scale))]);
      const scale = graph.weight(lengths, isByInput ? [1, count, 1] : [count, 1, 1]);
      return rescaled(graph, merged, scale, { size, isByInput });
    },
  });
}

function rescaled(
  graph: GraphBuilder,
  merged: Value,
  lengths: Value,
  { size: { outputs, inputs, kernel }, isByInput }: { size: WeightSize; isByInput: boolean },
): Value {
  const planes = graph.op('Reshape', [merged, graph.ints([outputs, inputs, kernel])]);
  const axes = graph.ints(isByInput ? [0, 2] : [1, 2]);
  const own = graph.op('ReduceL2', [planes, axes], { keepdims: 1 });
  const scaled = graph.op('Mul', [planes, graph.op('Div', [lengths, own])]);
  return graph.op('Reshape', [scaled, graph.ints([outputs, inputs * kernel])]);
}
