import type { DiffusionModel, TextConditioning } from '../families/diffusion-model.ts';
import type { Chunk } from '../prompt/chunks.ts';
import { CHUNK_LENGTH, toChunks } from '../prompt/chunks.ts';
import { parseEmphasis } from '../prompt/emphasis.ts';
import { weighted } from '../prompt/weighting.ts';
import { clipTokenizer } from './clip-tokenizer.ts';
import type { Conventions } from './text-to-image-types.ts';

/** What {@link conditionOn} asks of a model. */
type TextModel = Pick<DiffusionModel, 'encodeText'>;

/**
 * Encodes a prompt: its chunks one by one, each weighted, side by side along the token axis.
 * @param conventions See there: `diffusers` takes the text as it is and cuts it after the first chunk.
 * @param signal Checked before every chunk.
 */
export async function conditionOn(
  model: TextModel,
  prompt: string,
  { clipSkip, conventions }: { clipSkip: number; conventions: Conventions },
  signal?: AbortSignal,
): Promise<TextConditioning> {
  const tokenizer = await clipTokenizer();
  const encode = (text: string) => tokenizer.encode(text);
  const chunks =
    conventions === 'webui'
      ? toChunks(parseEmphasis(prompt), encode)
      : toChunks([{ text: prompt, weight: 1 }], encode, { commaBacktrack: 0 }).slice(0, 1);
  const encoded: TextConditioning[] = [];
  for (const chunk of chunks) {
    signal?.throwIfAborted();
    encoded.push(await encodeChunk(model, chunk, clipSkip));
  }
  return sideBySide(encoded);
}

async function encodeChunk(
  model: TextModel,
  { tokens, weights }: Chunk,
  clipSkip: number,
): Promise<TextConditioning> {
  const { data, dims } = await model.encodeText(tokens, clipSkip);
  return { data: weighted(data, weights), dims };
}

function sideBySide(parts: readonly TextConditioning[]): TextConditioning {
  const [first] = parts;
  if (!first || parts.length === 1) return first!;
  const data = new Float32Array(first.data.length * parts.length);
  parts.forEach((part, i) => data.set(part.data, i * first.data.length));
  return { data, dims: [1, CHUNK_LENGTH * parts.length, first.dims[2]] };
}
