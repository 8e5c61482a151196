/** Makes something once for a size of picture and keeps the last. */
export class OncePerSize<Made> {
  readonly #make: (height: number, width: number) => Promise<Made>;
  #last: { readonly key: string; readonly made: Promise<Made> } | null = null;

  constructor(make: (height: number, width: number) => Promise<Made>) {
    this.#make = make;
  }

  /** A failure is forgotten, so that the next call tries again. */
  get(height: number, width: number): Promise<Made> {
    const key = `${height} ${width}`;
    if (this.#last?.key !== key) this.#last = { key, made: this.#make(height, width) };
    const { made } = this.#last;
    made.catch(() => {
      if (this.#last?.made === made) this.#last = null;
    });
    return made;
  }
}
