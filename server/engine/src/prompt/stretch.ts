/** A piece of a text that was made of another, and where it stood there. */
export interface Stretch {
  readonly text: string;
  readonly from: number;
}

/** The text that stretches make up. */
export const joinStretches = (stretches: readonly Stretch[]): string =>
  stretches.map(({ text }) => text).join('');

/** Knows for each place of a text that was made of stretches where it was in the text before. */
export class Origins {
  readonly #stretches: readonly Stretch[];
  /** Where each stretch begins in the text that was made. */
  readonly #starts: readonly number[];

  constructor(stretches: readonly Stretch[]) {
    this.#stretches = stretches.filter(({ text }) => text !== '');
    let place = 0;
    this.#starts = this.#stretches.map(({ text }) => (place += text.length) - text.length);
  }

  /** @param place Of a character of the text that was made. */
  at(place: number): number {
    const index = this.#indexAt(place);
    return (this.#stretches[index]?.from ?? 0) + place - (this.#starts[index] ?? 0);
  }

  /** Stretches of the text that was made, as stretches of the text before. */
  trace(stretches: readonly Stretch[]): Stretch[] {
    return stretches.flatMap(({ text, from }) => {
      const traced: Stretch[] = [];
      let index = this.#indexAt(from);
      for (let done = 0; done < text.length; index += 1) {
        const end = this.#starts[index + 1] ?? Infinity;
        const part = text.slice(done, end - from);
        traced.push({ text: part, from: this.at(from + done) });
        done += part.length;
      }
      return traced;
    });
  }

  #indexAt(place: number): number {
    let [low, high] = [0, this.#starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! <= place) low = middle;
      else high = middle;
    }
    return low;
  }
}
