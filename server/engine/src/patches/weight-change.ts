import type { GraphBuilder, Rows, TensorPatch, Value } from '../onnx/graph.ts';
import type { LiveBranch, LivePatch } from '../onnx/live-branch.ts';
import { factorOf, times, type Factor, type Strength } from './factor.ts';

/** How a file changes a weight; LyCORIS's names where it has them (arXiv:2309.14859). */
export type PatchKind =
  'lora' | 'loha' | 'lokr' | 'ia3' | 'dora' | 'full' | 'norm' | 'glora' | 'oft' | 'boft';

/** Sizes of a weight: a matrix has a kernel of 1, a vector has one input too. `kernel` counts its values. */
export interface WeightSize {
  readonly outputs: number;
  readonly inputs: number;
  readonly kernel: number;
}

/** What a file does to one weight, before a model's weight is chosen. */
export interface WeightChange {
  readonly kind: PatchKind;
  /** Of the weights that it was made for; null where it does not tell. A weight is a matrix [outputs, inputs · kernel]. */
  readonly outputs: number | null;
  readonly columns: number | null;
  /** Matrices of the weight's size that folding makes on the way, for estimates of memory. */
  readonly copies: number;
  /** True if it can be added to what a layer makes, so that its strength may change between runs. */
  readonly canBeLive: boolean;
  /** As a patch of a weight of such a size, which fits. */
  bind(size: WeightSize, strength: Strength): TensorPatch | LivePatch;
}

/** An update that does not depend on the weight: W' = W + strength · scale · U. */
export interface Addition {
  readonly kind: PatchKind;
  readonly outputs: number;
  readonly columns: number;
  readonly copies: number;
  readonly isByRows: boolean;
  /** Constant of the file, such as alpha / rank. */
  readonly scale: number;
  /** factor · U, as a matrix of the given rows. */
  update(graph: GraphBuilder, rows: Rows, factor: Factor): Value;
  /** W + constant · U, where one operator can do both. */
  addTo?(graph: GraphBuilder, weight: Value, rows: Rows, constant: number): Value;
  /** The update as a branch of a layer. */
  branch?(factor: Factor): LiveBranch;
}

/** The change that adds an update. */
export function added(addition: Addition): WeightChange {
  const { kind, outputs, columns, copies, isByRows, scale } = addition;
  return {
    kind,
    outputs,
    columns,
    copies,
    canBeLive: addition.branch !== undefined,
    bind: (_size, strength) => {
      const factor = factorOf(strength, scale);
      const patch: TensorPatch = {
        isByRows,
        isAdded: true,
        copies,
        apply: (graph, weight, rows) => {
          if (factor.live === null && addition.addTo !== undefined) {
            return addition.addTo(graph, weight, rows, factor.constant);
          }
          return graph.op('Add', [weight, addition.update(graph, rows, factor)]);
        },
      };
      const branch = factor.live === null ? undefined : addition.branch?.(factor);
      return branch === undefined ? patch : { ...patch, branch };
    },
  };
}

/** Sizes, and what becomes of the weight; for changes that depend on it. */
export interface Dependent extends Omit<WeightChange, 'bind' | 'canBeLive'> {
  readonly isByRows: boolean;
  /** W at strength 1. */
  changed(graph: GraphBuilder, weight: Value, size: WeightSize, rows: Rows): Value;
}

/** The change that goes from W part of the way to what becomes of it: W' = W + strength · (f(W) − W). */
export function towards(dependent: Dependent): WeightChange {
  const { kind, outputs, columns, copies, isByRows } = dependent;
  return {
    kind,
    outputs,
    columns,
    copies,
    canBeLive: false,
    bind: (size, strength) => ({
      isByRows,
      isAdded: false,
      copies,
      apply: (graph, weight, rows) => {
        const full = dependent.changed(graph, weight, size, rows);
        if (strength === 1) return full;
        const step = graph.op('Sub', [full, weight]);
        return graph.op('Add', [weight, times(graph, step, factorOf(strength, 1))]);
      },
    }),
  };
}
