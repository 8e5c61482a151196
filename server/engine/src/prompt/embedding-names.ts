/** Something that stands for several tokens when its name is in a prompt: a textual inversion. */
export interface NamedVectors {
  /** As it is written in prompts. */
  readonly name: string;
  /** How many tokens it takes the place of. */
  readonly vectors: number;
}

/** Finds names in prompts as the webui does: as sequences of tokens, the longest first. */
export class EmbeddingNames<Embedding extends NamedVectors> {
  readonly #byFirst = new Map<number, { tokens: readonly number[]; embedding: Embedding }[]>();

  /** @param encode The tokenizer. A name without tokens is never found. */
  constructor(embeddings: Iterable<Embedding>, encode: (text: string) => readonly number[]) {
    for (const embedding of embeddings) {
      const tokens = encode(embedding.name);
      const [first] = tokens;
      if (first === undefined) continue;
      const others = this.#byFirst.get(first) ?? [];
      this.#byFirst.set(
        first,
        [...others, { tokens, embedding }].sort((one, other) => other.tokens.length - one.tokens.length),
      );
    }
  }

  /** The embedding whose name begins at a place among tokens, and how many tokens its name is. */
  at(tokens: readonly number[], place: number): { embedding: Embedding; length: number } | null {
    const candidates = this.#byFirst.get(tokens[place] ?? -1) ?? [];
    const found = candidates.find(({ tokens: name }) =>
      name.every((token, index) => tokens[place + index] === token),
    );
    return found === undefined ? null : { embedding: found.embedding, length: found.tokens.length };
  }
}
