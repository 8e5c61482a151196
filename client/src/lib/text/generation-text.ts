/**
 * The prompt in a picture's generation text: all before the negative prompt, else before the line of settings.
 * Enough to label a picture; it is no parser of the text.
 */
export function promptOf(parameters: string): string {
  const lines = parameters.split('\n');
  const negative = lines.findIndex((line) => line.startsWith('Negative prompt: '));
  const settings = lines.findLastIndex((line) => /^Steps: \d/.test(line));
  const end = negative >= 0 ? negative : settings >= 0 ? settings : lines.length;
  return lines.slice(0, end).join('\n').trim();
}
