/** A prompt of several that are followed at once, and how much it counts. */
export interface PromptPart {
  readonly text: string;
  readonly weight: number;
}

const AND = /(?<![\p{L}\p{N}_])AND(?![\p{L}\p{N}_])/u;
const WEIGHT = /\s*:\s*([-+]?(?:\d+\.?|\d*\.\d+))\s*$/;

/**
 * Cuts a prompt at the word AND, as the webui does. A number behind a colon at the end of a part is its weight, 1 if there is
 * none, also where there is but one part. Liu et al. 2022, "Compositional visual generation", arXiv:2206.01714.
 * @returns At least one part, without white space behind it.
 */
export function splitAtAnd(prompt: string): PromptPart[] {
  return prompt.split(AND).map((part) => {
    const end = part.trimEnd();
    // Only the tail can be a weight; to search all of a long text would take the square of its length.
    const tail = end.slice(-MAX_WEIGHT_LENGTH);
    const [all, digits] = WEIGHT.exec(tail) ?? [];
    if (all === undefined) return { text: end, weight: 1 };
    return { text: end.slice(0, end.length - all.length), weight: Number(digits) };
  });
}

const MAX_WEIGHT_LENGTH = 100;
