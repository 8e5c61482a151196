/** Bytes a name may have; file systems allow 255, and a copy may need a suffix. */
const NAME_BYTES = 200;
/** Characters of the prompt that go into a name, as the webui cuts them. */
const PROMPT_CHARACTERS = 128;

/** Separators, what Windows forbids, control characters, line and direction marks, halves of a character. */
// eslint-disable-next-line no-control-regex -- control characters are what must go
const UNSAFE = /[#<>:"/\\|?*\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]|\p{Cs}/gu;

/**
 * Name of a picture's file: `00012-421337-a red apple.png`. One path component, Unicode kept, at most 200 bytes; the
 * leading number keeps it clear of dots and of names that Windows reserves.
 */
export function pictureFileName(number: number, seed: number, prompt: string): string {
  const head = `${String(number).padStart(5, '0')}-${seed}`;
  const tail = '.png';
  const room = NAME_BYTES - Buffer.byteLength(head + tail) - 1;
  const words = cutToBytes(sanitised(prompt), room).replace(/[ .]+$/u, '');
  return words === '' ? head + tail : `${head}-${words}${tail}`;
}

/** The number that a name begins with, if it has the form above. */
export function leadingNumber(name: string): number | null {
  const digits = /^(\d{1,9})(?=[-.])/.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}

function sanitised(prompt: string): string {
  const clean = prompt.normalize('NFC').replaceAll(UNSAFE, '_').trimStart();
  return Array.from(clean).slice(0, PROMPT_CHARACTERS).join('');
}

function cutToBytes(text: string, limit: number): string {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > limit) break;
    end += character.length;
  }
  return text.slice(0, end);
}

/** Name of the folder of a day, in local time: `2026-01-31`. */
export function dayFolder(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
