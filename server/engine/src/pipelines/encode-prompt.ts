import type { DiffusionModel, TextConditioning } from '../families/diffusion-model.ts';
import { fitsEmbedding, type Embedding } from '../families/embedding.ts';
import { CHUNK_LENGTH, emptyChunk, toChunks, type Chunk } from '../prompt/chunks.ts';
import { EmbeddingNames } from '../prompt/embedding-names.ts';
import { parseEmphasis } from '../prompt/emphasis.ts';
import { weighted } from '../prompt/weighting.ts';
import { clipTokenizer } from './clip-tokenizer.ts';
import type { Settings } from './settings.ts';

/** What {@link PromptEncoder} asks of a model. */
export type TextModel = Pick<DiffusionModel, 'encodeText' | 'textWidths' | 'card' | 'task'>;
export type TextSettings = Pick<Settings, 'clipSkip' | 'conventions' | 'embeddings'> &
  Partial<Pick<Settings, 'emphasis' | 'commaBacktrack'>>;

/** A text's chunks, as the text encoders give them. */
interface EncodedText {
  readonly chunks: readonly { readonly weights: readonly number[]; readonly encoded: TextConditioning }[];
}

/** Encodes the texts of prompts, each text once. */
export class PromptEncoder {
  readonly #model: TextModel;
  readonly #settings: TextSettings;
  readonly #signal: AbortSignal | undefined;
  readonly #encoded = new Map<string, EncodedText>();
  #names: EmbeddingNames<Embedding> | null = null;
  #empty: EncodedText['chunks'][0] | null = null;

  /**
   * @param settings See `Conventions`: `diffusers` takes the text as it is and cuts it after the first chunk.
   * @param signal Checked before every chunk.
   */
  constructor(model: TextModel, settings: TextSettings, signal?: AbortSignal) {
    this.#model = model;
    this.#settings = settings;
    this.#signal = signal;
  }

  /**
   * Encodes texts together, as the webui does with those of a prompt that changes over time: all with as many chunks as the
   * longest has, side by side along the token axis, and with one mean to restore under emphasis, for which a text counts as
   * often as it is given. The vector for the whole text is that of the first chunk.
   */
  async encode(texts: readonly string[]): Promise<TextConditioning[]> {
    const counts = new Map<string, number>();
    for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
    const distinct = [...counts];
    const all: EncodedText[] = [];
    for (const [text] of distinct) all.push(await this.#encodeText(text));
    const length = Math.max(...all.map(({ chunks }) => chunks.length));
    if (all.some(({ chunks }) => chunks.length < length))
      this.#empty ??= await this.#encodeChunk(emptyChunk());
    const parts: TextConditioning[][] = all.map(() => []);
    for (let place = 0; place < length; place += 1) {
      const batch = all.map(({ chunks }) => chunks[place] ?? this.#empty!);
      const data = weighted(
        batch.map(({ encoded, weights }, index) => ({
          vectors: encoded.data,
          weights,
          count: distinct[index]![1],
        })),
        this.#settings.emphasis,
        batch[0]!.encoded.widths,
      );
      batch.forEach(({ encoded }, index) => parts[index]!.push({ ...encoded, data: data[index]! }));
    }
    const contexts = new Map(distinct.map(([text], index) => [text, sideBySide(parts[index]!)]));
    return texts.map((text) => contexts.get(text)!);
  }

  async #encodeText(text: string): Promise<EncodedText> {
    const known = this.#encoded.get(text);
    if (known) return known;
    const chunks: EncodedText['chunks'][0][] = [];
    for (const chunk of await this.#chunksOf(text)) chunks.push(await this.#encodeChunk(chunk));
    this.#encoded.set(text, { chunks });
    return { chunks };
  }

  async #chunksOf(text: string): Promise<Chunk<Embedding>[]> {
    const { conventions, embeddings, emphasis, commaBacktrack } = this.#settings;
    const tokenizer = await clipTokenizer();
    const encode = (piece: string) => tokenizer.encode(piece);
    const fitting = embeddings.filter((embedding) => fitsEmbedding(this.#model.textWidths, embedding));
    this.#names ??= new EmbeddingNames(fitting, encode);
    const plain = [{ text, weight: 1 }];
    if (conventions === 'diffusers') {
      return toChunks(plain, encode, { commaBacktrack: 0, embeddings: this.#names }).slice(0, 1);
    }
    const pieces = emphasis === 'None' ? plain : parseEmphasis(text);
    return toChunks(pieces, encode, {
      embeddings: this.#names,
      ...(commaBacktrack !== undefined && { commaBacktrack }),
    });
  }

  async #encodeChunk({ tokens, weights, fixes }: Chunk<Embedding>): Promise<EncodedText['chunks'][0]> {
    this.#signal?.throwIfAborted();
    const { clipSkip, conventions } = this.#settings;
    // The webui skips layers of SD 1.x only.
    const skip = conventions === 'webui' && this.#model.card.family !== 'sd1' ? 1 : clipSkip;
    return { weights, encoded: await this.#model.encodeText(tokens, skip, fixes) };
  }
}

function sideBySide(parts: readonly TextConditioning[]): TextConditioning {
  const [first] = parts;
  if (!first || parts.length === 1) return first!;
  const data = new Float32Array(first.data.length * parts.length);
  parts.forEach((part, i) => data.set(part.data, i * first.data.length));
  return { ...first, data, dims: [1, CHUNK_LENGTH * parts.length, first.dims[2]] };
}
