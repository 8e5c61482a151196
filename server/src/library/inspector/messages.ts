import type { ModelProblem, ModelView } from '@atelier/contract';

/** What the server asks of the inspector process. */
export interface InspectorRequest {
  id: number;
  task: 'inspect' | 'hash';
  path: string;
}

/** What a checkpoint says of itself, as far as lists show it. Foreign text. */
export interface InspectedCard {
  family: NonNullable<ModelView['family']>;
  title: string | null;
  description: string | null;
  usageHint: string | null;
  licence: string | null;
  samplePrompts: readonly string[];
  defaults: Readonly<Record<string, unknown>>;
}

export type InspectorAnswer =
  | { card: InspectedCard }
  | { problem: ModelProblem }
  /** SHA-256 of the whole file, hex. */
  | { sha256: string };

export interface InspectorReply {
  id: number;
  answer: InspectorAnswer;
}
