import type { Timing } from './timings.ts';

/** Collects times by name, in the order in which names first came. */
export class Stopwatch {
  readonly #timings = new Map<string, Timing>();

  async time<T>(name: string, work: () => Promise<T>, against?: string): Promise<T> {
    const started = performance.now();
    const result = await work();
    this.add(name, performance.now() - started, against);
    return result;
  }

  add(name: string, ms: number, against?: string): void {
    const timing = this.#timings.get(name) ?? { name, ms: [], ...(against === undefined ? {} : { against }) };
    timing.ms.push(ms);
    this.#timings.set(name, timing);
  }

  timings(): Timing[] {
    return [...this.#timings.values()];
  }
}
