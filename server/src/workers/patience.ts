import type { Config } from '../config/config.ts';
import { jobFailure } from './failures.ts';
import type { DrawEvent, DrawOutcome } from './worker.ts';

/** Pictures up to this many pixels keep to the step limit; larger ones have more time, in proportion. */
const REFERENCE_PIXELS = 512 * 512;

/** Watches one task: kills it when nothing has happened for too long. */
export class Patience {
  readonly #limits: Config['watchdog'];
  readonly #stepMs: number;
  readonly #giveUp: (outcome: DrawOutcome) => void;
  readonly #job: NodeJS.Timeout;
  #quiet: NodeJS.Timeout;
  #last: NodeJS.Timeout | undefined;
  #isLoading = true;

  /** @param giveUp called at most a few times, with what the task's outcome is to be. */
  constructor(
    limits: Config['watchdog'],
    { width, height }: { width: number; height: number },
    giveUp: (outcome: DrawOutcome) => void,
  ) {
    this.#limits = limits;
    this.#stepMs = limits.stepMs * Math.max(1, (width * height) / REFERENCE_PIXELS);
    this.#giveUp = giveUp;
    this.#quiet = this.#afterQuiet('loading the model', limits.loadMs);
    this.#job = setTimeout(() => giveUp({ type: 'expired', failure: expired(limits.jobMs) }), limits.jobMs);
  }

  /** Something happened: start waiting anew. Loading several networks counts as one wait. */
  note(event: DrawEvent): void {
    if (event.type === 'loading') {
      if (this.#isLoading) return;
      this.#isLoading = true;
      clearTimeout(this.#quiet);
      this.#quiet = this.#afterQuiet('loading the model', this.#limits.loadMs);
    } else if (event.type !== 'encoding' || !this.#isLoading) {
      this.#isLoading = false;
      clearTimeout(this.#quiet);
      this.#quiet = this.#afterQuiet('drawing', this.#stepMs);
    }
  }

  /** From now on the task has this long to end. */
  atMost(ms: number): void {
    clearTimeout(this.#last);
    this.#last = setTimeout(() => this.#giveUp({ type: 'cancelled' }), ms);
  }

  end(): void {
    clearTimeout(this.#quiet);
    clearTimeout(this.#job);
    clearTimeout(this.#last);
  }

  #afterQuiet(what: string, ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#giveUp({ type: 'crashed', failure: hung(what, ms) }), ms);
  }
}

const hung = (what: string, ms: number): ReturnType<typeof jobFailure> =>
  jobFailure(
    'timeout',
    `The drawing process did not answer for ${seconds(ms)} while ${what}, and was ended.`,
    'Ask for a smaller picture, or start the server with a longer limit.',
  );

const expired = (ms: number): ReturnType<typeof jobFailure> =>
  jobFailure(
    'timeout',
    `The job took longer than ${seconds(ms)} and was ended. Finished pictures were kept.`,
    'Ask for fewer pictures or steps, or start the server with a longer limit.',
  );

const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`;
