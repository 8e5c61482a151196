import type { DrawEvent } from '../../workers/worker.ts';

const BAR_LENGTH = 24;

/** Where a run of pictures stands, as one line for a terminal. */
export class ProgressLine {
  readonly #pictures: number;
  readonly #now: () => number;
  #done = 0;
  #what = 'starting';
  #step = 0;
  #steps = 0;
  /** When the first step that was measured ended, and how many have ended since. */
  #since: number | null = null;
  #measured = 0;

  /** @param now a steady clock, ms. */
  constructor(pictures: number, now: () => number = () => performance.now()) {
    this.#pictures = pictures;
    this.#now = now;
  }

  note(event: DrawEvent): void {
    switch (event.type) {
      case 'loading':
        this.#what = `loading the ${event.network}`;
        break;
      case 'encoding':
        this.#what = 'reading the prompt';
        this.#step = 0;
        break;
      case 'step':
        this.#step = event.step;
        this.#steps = event.steps;
        this.#what = `step ${event.step}/${event.steps}`;
        if (this.#since === null) this.#since = this.#now();
        else this.#measured += 1;
        break;
      case 'decoding':
        this.#what = 'decoding';
        break;
      case 'picture':
        this.#done += 1;
        this.#step = 0;
        this.#what = 'saving';
        break;
      case 'conditioned':
      case 'preview':
    }
  }

  /** e.g. `[████████░░░░░░░░░░░░░░░░]  35 %  picture 1/2  step 7/20  9 s left` */
  text(): string {
    const share = this.#steps === 0 ? 0 : (this.#done + this.#step / this.#steps) / this.#pictures;
    const filled = Math.round(share * BAR_LENGTH);
    const left = this.#secondsLeft();
    return [
      `[${'█'.repeat(filled)}${'░'.repeat(BAR_LENGTH - filled)}] ${String(Math.round(share * 100)).padStart(3)} %`,
      ...(this.#pictures > 1
        ? [`picture ${Math.min(this.#done + 1, this.#pictures)}/${this.#pictures}`]
        : []),
      this.#what,
      ...(left === null ? [] : [`${left} s left`]),
    ].join('  ');
  }

  /** From the mean time of a step so far; null until two have ended. */
  #secondsLeft(): number | null {
    if (this.#since === null || this.#measured === 0) return null;
    const perStep = (this.#now() - this.#since) / this.#measured;
    const steps = (this.#pictures - this.#done) * this.#steps - this.#step;
    return Math.ceil((steps * perStep) / 1000);
  }
}

/** Rewrites one line on a terminal; writes nothing where there is none. */
export class StatusLine {
  readonly #out: NodeJS.WriteStream;

  constructor(out: NodeJS.WriteStream = process.stderr) {
    this.#out = out;
  }

  show(text: string): void {
    if (this.#out.isTTY) this.#out.write(`\r${text.slice(0, Math.max(1, this.#out.columns - 1))}\x1b[K`);
  }

  clear(): void {
    if (this.#out.isTTY) this.#out.write('\r\x1b[K');
  }
}
