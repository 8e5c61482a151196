import type { ModelProblem } from '@atelier/contract';

/** A file in models/checkpoints that may be a checkpoint, or a folder that holds one in several files. */
export interface FoundFile {
  /** Path below models/checkpoints without suffix, with `/`; with suffix where two files would share a name. */
  name: string;
  /** Path below models/checkpoints, with `/`. */
  fileName: string;
  /** Real path; null where there is nothing to read. */
  path: string | null;
  sizeBytes: number;
  /** ms since 1970. */
  modifiedMs: number;
  /** Several files that are one model, in diffusers' layout. */
  isFolder: boolean;
  /** Device, inode, size and time: the same text means the same bytes. */
  identity: string;
  /** What is wrong with it before it was even opened. */
  problem: ModelProblem | null;
}
