import { describe, expect, it } from 'vitest';
import { clipTokenizer } from '../../../engine/src/pipelines/clip-tokenizer.ts';
import { toChunks, tokenCount } from '../../../engine/src/prompt/chunks.ts';
import { EmbeddingNames } from '../../../engine/src/prompt/embedding-names.ts';
import { splitAtAnd } from '../../../engine/src/prompt/composition.ts';
import { parseEmphasis } from '../../../engine/src/prompt/emphasis.ts';
import { scheduleOf } from '../../../engine/src/prompt/prompt-schedule.ts';
import { countTokens } from '../../../engine/src/prompt/token-count.ts';
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
    schedules: 'unchanged' | Scheduled[];
  }
  interface Scheduled {
    base_steps: number;
    hires_steps: number | null;
    old_scheduling: boolean;
    schedule: [number, string][];
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

  interface Timed {
    prompt: string;
    base_steps: number;
    hires_steps: number | null;
    old_scheduling: boolean;
    schedule: (readonly [endAt: number, text: string])[];
  }
  const timed = cases.flatMap(({ prompt, schedules }): Timed[] =>
    schedules === 'unchanged'
      ? [10, 20].map((base_steps) => ({
          prompt,
          base_steps,
          hires_steps: null,
          old_scheduling: false,
          schedule: [[base_steps, prompt]],
        }))
      : schedules.map((schedule) => ({ prompt, ...schedule })),
  );

  it.each(timed)(
    'follows $prompt over $base_steps and $hires_steps steps (old: $old_scheduling)',
    ({ prompt, base_steps: steps, hires_steps: hires, old_scheduling: isOldTimeline, schedule }) => {
      const timing = { steps, isOldTimeline, ...(hires !== null && { hiresSteps: hires }) };
      const followed = scheduleOf(prompt, timing).map(({ endAt, text }) => [endAt, text]);
      row('Prompts that change over the steps').exact(followed, schedule);
    },
  );

  it('has followed changes of all kinds', () => {
    expect(timed.filter(({ schedule }) => schedule.length > 1).length).toBeGreaterThan(100);
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
    expect(tokenCount(chunks)).toBe(golden.token_count);
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

  it('counts tokens where nothing else is in the prompt', async () => {
    const tokenizer = await clipTokenizer();
    const plain = chunked.filter(({ prompt }) => !/[[|#<]|AND|:[\d.]+\s*$/.test(prompt));
    expect(plain.length).toBeGreaterThan(50);
    for (const { prompt, comma_padding_backtrack: commaBacktrack, token_count: expected, chunks } of plain) {
      if (chunks.some(({ fixes }) => fixes.length > 0)) continue;
      const counted = countTokens(prompt, tokenizer, { commaBacktrack });
      expect(counted.tokens).toBe(expected);
      expect(counted.chunks).toHaveLength(chunks.length);
    }
  });

  it('covers prompts with embeddings and without', () => {
    const withEmbeddings = chunked.filter(({ chunks }) => chunks.some(({ fixes }) => fixes.length > 0));
    expect(withEmbeddings.length).toBeGreaterThan(3);
    expect(chunked.length).toBeGreaterThan(100);
  });
});
