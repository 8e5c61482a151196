/** What a file is that someone took for a weight file, and what to do. Told by content, never by suffix. */
export interface Likeness {
  readonly what: string;
  readonly hint: string;
}

/** @param start the first bytes of the file, up to a few hundred. */
export function looksLike(start: Uint8Array): Likeness | null {
  const text = new TextDecoder('latin1').decode(start);
  const page = text
    .replace(/^(?:\u00ef\u00bb\u00bf)?\s+/, '')
    .slice(0, 64)
    .toLowerCase();
  if (text.startsWith('version https://git-lfs')) {
    return {
      what: 'a git-LFS pointer, not the file it points to',
      hint: 'Run `git lfs pull` where it was cloned, or download the file itself.',
    };
  }
  if (/^(?:\u00ef\u00bb\u00bf)?\s*<(?:!doctype|html|head|\?xml|!--)/.test(page)) {
    return {
      what: 'a web page, not weights',
      hint: 'The download needed a login or a confirmation; download it again in a browser.',
    };
  }
  if (/^[\t\n\f\r\u0020-\u007e]+$/.test(text.slice(0, 32))) {
    return { what: 'a text file, not weights', hint: 'Look what it says, and download the file itself.' };
  }
  return null;
}
