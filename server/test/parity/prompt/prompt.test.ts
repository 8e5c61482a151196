import { describe, expect, it } from 'vitest';
import { clipTokenizer } from '../../../engine/src/pipelines/clip-tokenizer.ts';
import { toChunks } from '../../../engine/src/prompt/chunks.ts';
import { EmbeddingNames } from '../../../engine/src/prompt/embedding-names.ts';
import { splitAtAnd } from '../../../engine/src/prompt/composition.ts';
import { parseEmphasis } from '../../../engine/src/prompt/emphasis.ts';
import { END_TOKEN, START_TOKEN } from '../../../engine/src/prompt/tokenizer.ts';
import { goldenJson, hasGoldens } from '../diffusion/goldens.ts';
import { Comparison, golden } from '../report/measure.ts';

const WEBUI = golden('webui 1.10');
const TRANSFORMERS = golden('transformers 5.23.0');
const row = (feature: string, origin = WEBUI): Comparison => new Comparison('Text', feature, origin);

describe.skipIf(!hasGoldens)('the tokenizer of transformers 5', () => {
  interface Goldens {
    cases: { text: string; ids: number[] }[];
    padded: { text: string; ids_77: number[] }[];
  }
  const { cases, padded } = hasGoldens
    ? goldenJson<Goldens>('tokenizer/tokenizer.json')
    : { cases: [], padded: [] };

  it.each(cases)('encodes $text', async ({ text, ids }) => {
    row('Tokens', TRANSFORMERS).exact((await clipTokenizer()).encode(text), ids);
  });

  it('fills up to 77', async () => {
    const tokenizer = await clipTokenizer();
    for (const { text, ids_77: expected } of padded) {
      const [chunk] = toChunks([{ text, weight: 1 }], (part) => tokenizer.encode(part));
      row('Tokens', TRANSFORMERS).exact([...chunk!.tokens], expected);
    }
  });
});

describe.skipIf(!hasGoldens)('the prompt language of webui 1.10', () => {
  interface Emphasis {
    prompt: string;
    attention?: [string, number][];
    attention_error?: string;
    multicond?: { parts: [string, number][] };
  }
  const { cases } = hasGoldens ? goldenJson<{ cases: Emphasis[] }>('prompts/prompts.json') : { cases: [] };

  it.each(cases)('reads the emphasis of $prompt', ({ prompt, attention, attention_error: error }) => {
    const parsed = parseEmphasis(prompt).map(({ text, weight }) => [text, weight]);
    // Where the reference raises, the number is text.
    row('Emphasis').exact(parsed, error ? [['a:1.2.3', 1.1]] : attention);
  });

  it.each(cases.filter(({ multicond }) => multicond))('cuts $prompt at AND', ({ prompt, multicond }) => {
    const parts = splitAtAnd(prompt).map(({ text, weight }) => [text, weight]);
    row('AND').exact(parts, multicond!.parts);
  });

  interface Chunked {
    prompt: string;
    comma_padding_backtrack: number;
    token_count: number;
    chunks: {
      tokens: number[];
      multipliers: 1 | number[];
      fixes: { offset: number; embedding: string }[];
    }[];
  }
  const { cases: chunked, embeddings } = hasGoldens
    ? goldenJson<{ cases: Chunked[]; embeddings: Record<string, number> }>('prompts/chunks.json')
    : { cases: [], embeddings: {} };

  it.each(chunked)('cuts $prompt into chunks', async (golden) => {
    const tokenizer = await clipTokenizer();
    const encode = (text: string): number[] => [...tokenizer.encode(text)];
    const named = Object.entries(embeddings).map(([name, vectors]) => ({ name, vectors }));
    const chunks = toChunks(parseEmphasis(golden.prompt), encode, {
      commaBacktrack: golden.comma_padding_backtrack,
      embeddings: new EmbeddingNames(named, encode),
    });
    expect(chunks).toHaveLength(golden.chunks.length);
    golden.chunks.forEach(({ tokens, multipliers, fixes }, i) => {
      const { tokens: actual, weights, fixes: found } = chunks[i]!;
      expect(found.map(({ position, embedding }) => [position - 1, embedding.name])).toEqual(
        fixes.map(({ offset, embedding }) => [offset, embedding]),
      );
      expect(actual[0]).toBe(START_TOKEN);
      const filled = Object.assign(new Array<number>(77).fill(END_TOKEN), tokens);
      row('Chunks of 75 tokens').exact([...actual], filled);
      const expected = Object.assign(new Array<number>(77).fill(1), multipliers === 1 ? [] : multipliers);
      weights.forEach((weight, at) => expect(weight).toBeCloseTo(expected[at]!, 12));
    });
  });

  it('covers prompts with embeddings and without', () => {
    const withEmbeddings = chunked.filter(({ chunks }) => chunks.some(({ fixes }) => fixes.length > 0));
    expect(withEmbeddings.length).toBeGreaterThan(3);
    expect(chunked.length).toBeGreaterThan(100);
  });
});
