import type { ModelView } from '@atelier/contract';

/** A checkpoint that can be used now. */
export interface UsableModel {
  view: ModelView;
  /** Real path of the file. */
  path: string;
}

/** What lies in models/. Files are inspected in a process of their own; a bad file is listed with its reason. */
export interface Library {
  /** All checkpoints, by name; scans the folder first if it changed. */
  list(): Promise<ModelView[]>;
  /**
   * A model by name (with or without suffix, any case); without a name the starter model, else the first usable one.
   * @throws AppError `model-not-found` (its hint names the choices), `model-invalid` (says what is wrong).
   */
  resolve(name?: string): Promise<UsableModel>;
  /** First 10 hex digits of the SHA-256, computed in the background and kept; null until known. */
  shortHash(name: string): Promise<string | null>;
  close(): Promise<void>;
}
