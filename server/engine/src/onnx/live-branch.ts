import type { TensorInfo } from '../weights/weight-source.ts';
import type { GraphBuilder, PatchedTensor, Rows, TensorPatch, Value } from './graph.ts';

/** Attributes of a `Conv` operator. */
export interface Window {
  readonly kernel_shape: readonly [number, number];
  readonly pads: readonly number[];
  readonly strides: readonly [number, number];
}

/** A patch that need not change W: it can add its part to what W makes of x, at a strength that each run is given. */
export interface LivePatch extends TensorPatch {
  readonly branch: LiveBranch;
}
export interface LiveBranch {
  /** Its part of x Wᵀ, over the last axis; of some rows of W. */
  multiply(graph: GraphBuilder, x: Value, rows: Rows): Value;
  /** Its part of x convolved with W. */
  convolve(graph: GraphBuilder, x: Value, window: Window): Value;
}

/**
 * Takes the live patches off a tensor whose layer can add their branches. A patch stays where it is if one after it depends
 * on the weight that it makes.
 */
export function takeBranches(tensor: TensorInfo): { rest: TensorInfo; branches: LiveBranch[] } {
  if (!('patches' in tensor)) return { rest: tensor, branches: [] };
  const { patches, ...plain } = tensor as PatchedTensor;
  const branches: LiveBranch[] = [];
  const rest: TensorPatch[] = [];
  let isFree = true;
  for (const patch of patches.toReversed()) {
    isFree &&= patch.isAdded;
    if (isFree && 'branch' in patch) branches.unshift((patch as LivePatch).branch);
    else rest.unshift(patch);
  }
  if (branches.length === 0) return { rest: tensor, branches };
  return { rest: rest.length === 0 ? plain : ({ ...plain, patches: rest } as PatchedTensor), branches };
}
