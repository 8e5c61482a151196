import type { Stretch } from './stretch.ts';

/** A prompt as a tree: text, and places at which it changes over time. */
export type PromptNode = Stretch | readonly PromptNode[] | Edit | Alternation;

/** `[before:after:when]` */
export interface Edit {
  readonly before: PromptNode;
  readonly after: PromptNode;
  /** As it is written: with a point it means a share, without one a step. */
  readonly when: string;
}

/** `[a|b|c]` */
export interface Alternation {
  readonly choices: readonly PromptNode[];
}
