import type { GraphBuilder, LiveNumber, Value } from '../onnx/graph.ts';

/** How strongly a change acts: a number that is folded into weights, or one that each run is given. */
export type Strength = number | LiveNumber;

/** A product of constants, and of a number that each run is given if there is one. */
export interface Factor {
  readonly constant: number;
  readonly live: LiveNumber | null;
}

/** `strength` times a constant of the file, such as alpha / rank. */
export function factorOf(strength: Strength, scale: number): Factor {
  return typeof strength === 'number'
    ? { constant: strength * scale, live: null }
    : { constant: scale, live: strength };
}

/** Multiplies; what is constant is folded when the session opens, so choose the smallest operand for it. */
export function times(graph: GraphBuilder, value: Value, { constant, live }: Factor): Value {
  const scaled = constant === 1 ? value : graph.op('Mul', [value, graph.floats([constant])]);
  return live === null ? scaled : graph.op('Mul', [scaled, graph.live(live)]);
}
