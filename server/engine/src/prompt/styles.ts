import { trimmed } from './python-text.ts';

/** Text to put around prompts, under a name. */
export interface Style {
  readonly name: string;
  readonly prompt: string;
  readonly negativePrompt: string;
}

const PLACEHOLDER = '{prompt}';
/** Each style may repeat the prompt many times over; longer than this no prompt can be meant. */
const MAX_LENGTH = 1_000_000;

/**
 * Puts a style's text around a prompt: in place of every `{prompt}` in it, or else behind the prompt after a comma.
 * @returns The prompt as it is where the result would have more than a million characters.
 */
export function withStyle(prompt: string, style: string): string {
  const around = style.split(PLACEHOLDER);
  const length = style.length + (around.length - 1) * prompt.length;
  if (length > MAX_LENGTH) return prompt;
  if (around.length > 1) return around.join(prompt);
  return [trimmed(prompt), trimmed(style)].filter((text) => text !== '').join(', ');
}

/** Applies styles by name, in order. Names that are not there, such as `None`, still trim, as in the webui. */
export function withStyles(
  prompts: { readonly prompt: string; readonly negativePrompt: string },
  names: readonly string[],
  styles: readonly Style[],
): { prompt: string; negativePrompt: string } {
  const byName = new Map(styles.map((style) => [style.name, style]));
  let { prompt, negativePrompt } = prompts;
  for (const name of names) {
    const style = byName.get(name);
    prompt = withStyle(prompt, style?.prompt ?? '');
    negativePrompt = withStyle(negativePrompt, style?.negativePrompt ?? '');
  }
  return { prompt, negativePrompt };
}

/**
 * Finds out which styles were put around prompts, and takes them off: the first that fits, again and again.
 * @returns Names in the order in which {@link withStyles} makes the same prompts again.
 */
export function withoutStyles(
  prompts: { readonly prompt: string; readonly negativePrompt: string },
  styles: readonly Style[],
): { prompt: string; negativePrompt: string; names: string[] } {
  const left = styles.filter(({ prompt, negativePrompt }) => prompt !== '' || negativePrompt !== '');
  const names: string[] = [];
  let { prompt, negativePrompt } = prompts;
  for (let index = 0; index < left.length;) {
    const style = left[index]!;
    const inner = withoutStyle(prompt, style.prompt);
    const innerNegative = withoutStyle(negativePrompt, style.negativePrompt);
    if (inner === null || innerNegative === null) {
      index += 1;
      continue;
    }
    [prompt, negativePrompt] = [inner, innerNegative];
    names.unshift(style.name);
    left.splice(index, 1);
    index = 0;
  }
  return { prompt, negativePrompt, names };
}

/** What was in a style's text; null if it is not around the prompt. */
function withoutStyle(prompt: string, style: string): string | null {
  const [whole, text] = [trimmed(prompt), trimmed(style)];
  const place = text.indexOf(PLACEHOLDER);
  if (place >= 0) {
    const [left, right] = [text.slice(0, place), text.slice(place + PLACEHOLDER.length)];
    if (whole.length < left.length + right.length) return null;
    if (!whole.startsWith(left) || !whole.endsWith(right)) return null;
    return whole.slice(left.length, whole.length - right.length);
  }
  if (!whole.endsWith(text)) return null;
  const rest = whole.slice(0, whole.length - text.length);
  return rest.endsWith(', ') ? rest.slice(0, -2) : rest;
}
