/** Texts of a PNG's tEXt and uncompressed iTXt chunks, by keyword. PNG specification, 11.3.3. */
export function pngTexts(png: Buffer): Map<string, string> {
  const texts = new Map<string, string>();
  for (let at = 8; at + 8 <= png.length; at += 12 + png.readUInt32BE(at)) {
    const type = png.toString('latin1', at + 4, at + 8);
    const data = png.subarray(at + 8, at + 8 + png.readUInt32BE(at));
    if (type !== 'tEXt' && type !== 'iTXt') continue;
    const keyEnd = data.indexOf(0);
    const keyword = data.toString('latin1', 0, keyEnd);
    texts.set(
      keyword,
      type === 'tEXt' ? data.toString('latin1', keyEnd + 1) : internationalText(data, keyEnd + 1),
    );
  }
  return texts;
}

/** After the keyword: compression flag, method, language tag, translated keyword, text. */
function internationalText(data: Buffer, at: number): string {
  if (data[at] !== 0) throw new Error('The text is compressed.');
  const languageEnd = data.indexOf(0, at + 2);
  return data.toString('utf8', data.indexOf(0, languageEnd + 1) + 1);
}
