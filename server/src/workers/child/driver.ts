import type { GenerationSettings } from '@atelier/contract';

/** Interleaved 8-bit RGB, height · width · 3 bytes. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** One picture to draw. */
export interface DriverRequest {
  settings: GenerationSettings;
  /** This picture's own seed. */
  seed: number;
  modelPath: string;
  attempt: number;
  signal: AbortSignal;
}

/** What drawing one picture tells. Ends with `image`, unless the signal was aborted. */
export type DriverEvent =
  | { type: 'loading'; network: string }
  | { type: 'conditioned' }
  /** After a step; 1…steps. `preview` makes a small picture of the state. */
  | { type: 'step'; step: number; steps: number; preview: () => Promise<Pixels> }
  | { type: 'decoding' }
  | { type: 'image'; image: Pixels };

/** An engine, as the worker uses it. The same request gives the same picture, byte for byte. */
export interface EngineDriver {
  draw(request: DriverRequest): AsyncGenerator<DriverEvent, void>;
  /** Label of the schedule that these settings mean: with `Automatic`, the sampler's own if it has one. */
  scheduleLabel(settings: GenerationSettings): string;
}
