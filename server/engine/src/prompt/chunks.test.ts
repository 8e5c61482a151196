import { describe, expect, it } from 'vitest';
import { toChunks } from './chunks.ts';
import { EmbeddingNames } from './embedding-names.ts';
import { COMMA_TOKEN, END_TOKEN, START_TOKEN } from './tokenizer.ts';

/** One token for each letter; "," is CLIP's comma. */
const encode = (text: string) =>
  [...text].map((letter) => (letter === ',' ? COMMA_TOKEN : letter.charCodeAt(0)));
const [A, B] = encode('ab');

const chunked = (text: string, commaBacktrack?: number) =>
  toChunks([{ text, weight: 1 }], encode, commaBacktrack === undefined ? {} : { commaBacktrack });
/** How many tokens of its own each chunk has. */
const lengths = (text: string, commaBacktrack?: number) =>
  chunked(text, commaBacktrack).map(({ tokens }) => tokens.indexOf(END_TOKEN) - 1);

describe('toChunks', () => {
  it('puts a prompt between start and end and fills it up', () => {
    const [{ tokens, weights }] = chunked('ab') as [ReturnType<typeof chunked>[0]];
    expect([...tokens]).toEqual([START_TOKEN, A, B, ...new Array<number>(74).fill(END_TOKEN)]);
    expect(weights).toEqual(new Array(77).fill(1));
  });

  it('makes one chunk of nothing', () => {
    expect(lengths('')).toEqual([0]);
  });

  it('holds 75 tokens', () => {
    expect(lengths('a'.repeat(75))).toEqual([75]);
    expect(lengths('a'.repeat(76))).toEqual([75, 1]);
    expect(lengths('a'.repeat(151))).toEqual([75, 75, 1]);
  });

  it('breaks after a comma up to 20 tokens back', () => {
    const text = `${'a'.repeat(59)},${'b'.repeat(20)}`;
    expect(lengths(text)).toEqual([60, 20]);
    expect(lengths(text, 0)).toEqual([75, 5]);
    expect(lengths(text, 15)).toEqual([75, 5]);
    expect(lengths(text, 16)).toEqual([60, 20]);
  });

  it('takes weights along', () => {
    const pieces = [
      { text: `${'a'.repeat(73)},`, weight: 1 },
      { text: 'bb', weight: 1.5 },
    ];
    const [first, second] = toChunks(pieces, encode);
    expect(first?.weights.every((weight) => weight === 1)).toBe(true);
    expect(second?.weights.slice(0, 4)).toEqual([1, 1.5, 1.5, 1]);
  });

  it('ends a chunk at BREAK', () => {
    const pieces = [
      { text: 'a', weight: 1 },
      { text: 'BREAK', weight: -1 },
      { text: 'b', weight: 1 },
    ];
    expect(toChunks(pieces, encode).map(({ tokens }) => [...tokens.slice(1, 3)])).toEqual([
      [A, END_TOKEN],
      [B, END_TOKEN],
    ]);
  });
});

describe('embeddings', () => {
  const embeddings = new EmbeddingNames(
    [
      { name: 'xy', vectors: 3 },
      { name: 'xyz', vectors: 70 },
    ],
    encode,
  );
  const withEmbeddings = (text: string, weight = 1) => toChunks([{ text, weight }], encode, { embeddings });
  const places = (text: string) =>
    withEmbeddings(text).map(({ fixes }) =>
      fixes.map(({ position, embedding }) => [position, embedding.name]),
    );

  it('take the place of their names, the longest name first', () => {
    const [chunk] = withEmbeddings('axyb', 1.5);
    expect([...chunk!.tokens.subarray(0, 7)]).toEqual([START_TOKEN, A, 0, 0, 0, B, END_TOKEN]);
    expect(chunk!.weights.slice(0, 7)).toEqual([1, 1.5, 1.5, 1.5, 1.5, 1.5, 1]);
    expect(places('axyb')).toEqual([[[2, 'xy']]]);
    expect(places('xyzxy')).toEqual([
      [
        [1, 'xyz'],
        [71, 'xy'],
      ],
    ]);
  });

  it('are never divided between chunks', () => {
    expect(places(`${'a'.repeat(73)}xyb`)).toEqual([[], [[1, 'xy']]]);
    expect(places(`${'a'.repeat(72)}xyb`)).toEqual([[[73, 'xy']], []]);
  });

  it('leave their vectors behind when a comma moves their tokens, as in the webui', () => {
    const [first, second] = withEmbeddings(`${'a'.repeat(60)},${'b'.repeat(11)}xyb`);
    expect(first!.fixes).toMatchObject([{ position: 73 }]);
    expect(first!.tokens[73]).toBe(END_TOKEN);
    expect(second!.fixes).toEqual([]);
    expect([...second!.tokens.subarray(12, 16)]).toEqual([0, 0, 0, B]);
  });
});
