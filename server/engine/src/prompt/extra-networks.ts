import { joinStretches, type Stretch } from './stretch.ts';

/** `<name:argument:key=value>` in a prompt: a wish to whoever goes by that name. */
export interface NetworkTag {
  readonly name: string;
  /** Arguments without a key, in order. */
  readonly positional: readonly string[];
  /** Arguments with one; of two with the same key the later counts. */
  readonly named: ReadonlyMap<string, string>;
}

/** A prompt without its tags. */
export interface UntaggedPrompt {
  readonly text: string;
  readonly tags: readonly NetworkTag[];
}

const OPENING = /<([\p{L}\p{N}_]+):/gu;

/**
 * Takes tags out of a prompt, as the webui does: a `<`, a word, a colon, and at least one character up to the next `>`, which
 * may be a `<` or the end of a line. What is no tag stays.
 */
export function takeTags(prompt: string): UntaggedPrompt {
  const { stretches, tags } = untagged(prompt);
  return { text: joinStretches(stretches), tags };
}

/** As {@link takeTags}, with the places of what is left. */
export function untagged(prompt: string): { stretches: Stretch[]; tags: NetworkTag[] } {
  const stretches: Stretch[] = [];
  const tags: NetworkTag[] = [];
  let start = 0;
  let closing = -1;
  for (const match of prompt.matchAll(OPENING)) {
    if (match.index < start) continue;
    const from = match.index + match[0].length;
    if (closing < from) closing = prompt.indexOf('>', from);
    if (closing < 0) break;
    if (closing === from) continue;
    stretches.push({ text: prompt.slice(start, match.index), from: start });
    tags.push({ name: match[1]!, ...argumentsOf(prompt.slice(from, closing)) });
    start = closing + 1;
  }
  stretches.push({ text: prompt.slice(start), from: start });
  return { stretches, tags };
}

function argumentsOf(text: string): Pick<NetworkTag, 'positional' | 'named'> {
  const positional: string[] = [];
  const named = new Map<string, string>();
  for (const argument of text.split(':')) {
    const [key, value, ...more] = argument.split('=');
    // With two equals signs it is one argument without a key, as in the webui.
    if (value === undefined || more.length > 0) positional.push(argument);
    else named.set(key!, value);
  }
  return { positional, named };
}
