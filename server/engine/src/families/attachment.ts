import type { AttentionHooks } from '../networks/attention-hooks.ts';
import type { WeightSource } from '../weights/weight-source.ts';

/** Something that is built into a UNet besides its own weights, such as an image prompt. */
export interface Attachment {
  /** That its weights lie in. */
  readonly source: WeightSource;
  readonly hooks: AttentionHooks;
}
