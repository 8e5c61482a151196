import type { GraphBuilder, Value } from '../onnx/graph.ts';
import type { Array32 } from '../onnx/session.ts';
import type { Weights } from '../weights/weights.ts';

/** One attention of a UNet while its graph is built. */
export interface AttentionSite {
  readonly graph: GraphBuilder;
  /** Its own weights: `to_q`, `to_k`, `to_v`, `to_out.0`. */
  readonly weights: Weights;
  /** To the text; otherwise of the picture to itself. */
  readonly isCross: boolean;
  /** Counted among its kind, in the order of evaluation. */
  readonly index: number;
  readonly width: number;
  /** Width of what keys and values are made from. */
  readonly sourceWidth: number;
  readonly heads: number;
}

/** What keys and values are made from, [batch, tokens, sourceWidth] each. */
export interface AttentionSources {
  readonly key: Value;
  readonly value: Value;
}

/** Changes to the attentions of a UNet, made when its graph is built. */
export interface AttentionHooks {
  /** Replaces what keys and values are made from, as hypernetworks do. */
  readonly sources?: (site: AttentionSite, before: AttentionSources) => AttentionSources;
  /** Added to the attention's result before its output projection, as image prompts are; null adds nothing. */
  readonly addition?: (site: AttentionSite, query: Value) => Value | null;
  /** Inputs that the hooks added to the graph, with values that change nothing, for a batch of that size. */
  readonly idleInputs?: (batch: number) => Readonly<Record<string, Array32>>;
}
