import type { PromptNode } from './prompt-node.ts';
import type { Stretch } from './stretch.ts';

/** A stretch of text, or one bracket, colon or bar, which may turn out to be text as well. */
export interface Piece {
  readonly stretch: Stretch;
  readonly isMark: boolean;
  /** What this bracket closes, if that means something, and the piece that opens it. */
  group: { readonly node: PromptNode; readonly place: number } | null;
}

/**
 * For each piece the first of those that are text together with it, if it is text.
 *
 * The reference's grammar says only that any number of marks side by side are text. Its parser (Earley, with the first
 * reading found preferred) finds the readings of a row of marks from each possible start; in which order follows from its
 * stack, which hands everything back in reverse at each character. That order is kept here, as the first in it decides
 * whether a group that ends within the row counts.
 */
export function textStarts(pieces: readonly Piece[]): Int32Array {
  const starts = Int32Array.from(pieces, (_, place) => place);
  const order = new TurningQueue(pieces.length + 1);
  pieces.forEach(({ isMark, group }, place) => {
    const node = group?.node;
    if (!isMark || (node && 'choices' in node)) {
      order.clear(); // Alternations are never text.
      return;
    }
    if (order.isEmpty) order.putFirst(place);
    order.turn();
    starts[place] = order.first;
    // What may begin after this mark is found second, but first where the mark closes emphasis right behind a change over time.
    const before = pieces[place - 1]?.group?.node;
    if (Array.isArray(node) && before && 'when' in before) order.putFirst(place + 1);
    else order.putSecond(place + 1);
  });
  return starts;
}

/** Numbers in an order that can be reversed at no cost. */
class TurningQueue {
  readonly #numbers: Int32Array;
  #low: number;
  #high: number;
  #isTurned = false;

  /** @param capacity How many are put in at most, over all. */
  constructor(capacity: number) {
    this.#numbers = new Int32Array(2 * capacity + 1);
    this.#low = this.#high = capacity;
  }

  get isEmpty(): boolean {
    return this.#low === this.#high;
  }

  get first(): number {
    return this.#numbers[this.#isTurned ? this.#high - 1 : this.#low]!;
  }

  clear(): void {
    this.#low = this.#high = this.#numbers.length >> 1;
  }

  turn(): void {
    this.#isTurned = !this.#isTurned;
  }

  putFirst(number: number): void {
    if (this.#isTurned) this.#numbers[this.#high++] = number;
    else this.#numbers[--this.#low] = number;
  }

  putSecond(number: number): void {
    const { first } = this;
    this.#numbers[this.#isTurned ? this.#high - 1 : this.#low] = number;
    this.putFirst(first);
  }
}
