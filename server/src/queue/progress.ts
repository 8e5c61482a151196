import type { JobProgress } from '@atelier/contract';
import type { DrawEvent } from '../workers/worker.ts';

/** Weight of the newest step time in the running mean: old ones fade within a few steps. */
const FADE = 0.3;

interface Options {
  /** Pictures of the whole job. */
  images: number;
  /** How many of them were there before this attempt. */
  kept: number;
  /** Steps of one picture. */
  steps: number;
  /** A steady clock, ms. */
  now: () => number;
}

/** Follows a job's drawing and says how far it is and how long it will take. */
export class Progress {
  readonly #options: Options;
  #stage: JobProgress['stage'] = 'loading';
  #done: number;
  #image = 0;
  #step = 0;
  #lastAt: number;
  /** Running means; null until measured. */
  #stepMs: number | null = null;
  #decodeMs: number | null = null;

  constructor(options: Options) {
    this.#options = options;
    this.#done = options.kept;
    this.#lastAt = options.now();
  }

  note(event: DrawEvent): void {
    const now = this.#options.now();
    if ('image' in event) this.#image = event.image;
    switch (event.type) {
      case 'loading':
        this.#stage = 'loading';
        break;
      case 'encoding':
        this.#stage = 'encoding';
        this.#step = 0;
        break;
      case 'conditioned':
        this.#stage = 'sampling';
        break;
      case 'step':
        // What is loaded or encoded before the first step would pass for the step's own time.
        if (this.#stage === 'sampling') this.#stepMs = faded(this.#stepMs, now - this.#lastAt);
        this.#stage = 'sampling';
        this.#step = event.step;
        break;
      case 'decoding':
        this.#stage = 'decoding';
        break;
      case 'picture':
        this.#decodeMs = faded(this.#decodeMs, now - this.#lastAt);
        this.#stage = 'saving';
        this.#done += 1;
        break;
      case 'preview':
        return; // takes its time from the next step
    }
    this.#lastAt = now;
  }

  now(): JobProgress {
    const { images, steps } = this.#options;
    const isDrawing = this.#stage !== 'saving' && this.#done < images;
    // Decoding and saving weigh as much as a step.
    const share = isDrawing ? this.#step / (steps + 1) : 0;
    return {
      stage: this.#stage,
      image: this.#image,
      images,
      step: this.#step,
      steps,
      fraction: Math.min(1, (this.#done + share) / images),
      etaMs: this.#etaMs(isDrawing),
    };
  }

  #etaMs(isDrawing: boolean): number | null {
    if (this.#stepMs === null) return null;
    const { images, steps, now } = this.#options;
    const pictures = images - this.#done;
    const stepsLeft = pictures * steps - (isDrawing ? this.#step : 0);
    const left = stepsLeft * this.#stepMs + pictures * (this.#decodeMs ?? this.#stepMs);
    return Math.max(0, Math.round(left - (now() - this.#lastAt)));
  }
}

const faded = (mean: number | null, value: number): number =>
  mean === null ? value : mean + FADE * (value - mean);
