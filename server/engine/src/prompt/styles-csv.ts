import type { Style } from './styles.ts';

/** Far more than anyone has; what comes after is not read. */
const MAX_ROWS = 20_000;

/**
 * Reads a file of styles as the webui writes it: rows of `name,prompt,negative_prompt` under a row that says so, or in an older
 * order or of `name,text`. Rows without a name or with one that begins with `#` are comments; of two styles with the same name
 * the later counts, in the place of the earlier. Never fails: what has no column `name` has no styles.
 */
export function readStyles(csv: string): Style[] {
  const [header, ...rows] = rowsOf(csv.replace(/^\ufeff/, ''));
  const column = (name: string) => header?.lastIndexOf(name) ?? -1;
  const [name, negative] = [column('name'), column('negative_prompt')];
  const prompt = column('prompt') < 0 ? column('text') : column('prompt');
  const styles = new Map<string, Style>();
  for (const row of rows) {
    const of = (index: number) => row[index] ?? '';
    if (of(name) === '' || of(name).startsWith('#')) continue;
    styles.set(of(name), { name: of(name), prompt: of(prompt), negativePrompt: of(negative) });
  }
  return [...styles.values()];
}

/** Writes what {@link readStyles} reads, with a byte order mark, as the webui does. */
export function writeStyles(styles: readonly Style[]): string {
  const rows = styles.map(({ name, prompt, negativePrompt }) => [name, prompt, negativePrompt]);
  const lines = [['name', 'prompt', 'negative_prompt'], ...rows].map((row) => row.map(quoted).join(','));
  return `\ufeff${lines.join('\r\n')}\r\n`;
}

/** A leading space would be skipped by readers. */
function quoted(field: string): string {
  return /[",\r\n]|^ /.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/** Fields of all rows that are not empty: quotes may hold commas and lines, spaces after commas are passed over. */
function rowsOf(csv: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (let place = 0; place < csv.length && rows.length < MAX_ROWS;) {
    const { field, end } = fieldAt(csv, place);
    row.push(field);
    place = end + 1;
    if (csv[end] === ',' && place < csv.length) continue;
    if (csv[end] === ',') row.push('');
    if (csv[end] === '\r' && csv[place] === '\n') place += 1;
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  }
  return rows;
}

/** One field, and where the comma or the line feed behind it is. Quotes within a field are text, as in Python's csv. */
function fieldAt(csv: string, place: number): { field: string; end: number } {
  const parts: string[] = [];
  let start = place;
  while (csv[start] === ' ') start += 1;
  let end = start;
  if (csv[start] === '"') {
    for (start += 1; ; start = end + 1) {
      end = csv.indexOf('"', start);
      if (end < 0) end = csv.length;
      parts.push(csv.slice(start, end));
      if (csv[end + 1] !== '"') break;
      parts.push('"');
      end += 1;
    }
    start = end = Math.min(csv.length, end + 1);
  }
  while (end < csv.length && !',\r\n'.includes(csv[end]!)) end += 1;
  return { field: parts.join('') + csv.slice(start, end), end };
}
