import { basename } from 'node:path';
import { EngineError } from '../errors.ts';
import { openWeights } from '../weights/open-weights.ts';
import type { TensorInfo, WeightSource } from '../weights/weight-source.ts';
import type { Embedding, EmbeddingPart } from './embedding.ts';
import { readAs } from './read-as.ts';

/** As many as there are tokens in a chunk. */
const MAX_VECTORS = 75;
/** Wider than any text encoder that there is. */
const MAX_WIDTH = 16_384;
/** What the webui calls the vectors in its own files. */
const WEBUI = 'string_to_param.';
/** SDXL's two text encoders, in their order. */
const SDXL = ['clip_l', 'clip_g'] as const;

/**
 * Opens a textual inversion: the webui's (.pt), diffusers' (.bin), or safetensors, with one text encoder's vectors or SDXL's
 * two.
 * @param name in prompts; default: the file's name without its ending
 * @throws EngineError `model-not-found`, or `model-invalid` that says what the file is or what is wrong with it
 */
export async function openEmbedding(path: string, name?: string): Promise<Embedding> {
  const source = await openWeights(path);
  const tensors = await readAs('embedding', source, () => vectorsIn(source));
  const parts: EmbeddingPart[] = [];
  for (const tensor of tensors) parts.push(await readPart(source, tensor));
  const [{ data, width }] = parts as [EmbeddingPart, ...EmbeddingPart[]];
  const vectors = data.length / width;
  if (parts.some((part) => part.data.length / part.width !== vectors)) {
    throw invalid(source, 'has different numbers of vectors for its text encoders');
  }
  return { name: name ?? basename(path).replace(/\.[^.]+$/, ''), vectors, parts };
}

function vectorsIn(source: WeightSource): TensorInfo[] {
  const { tensors } = source;
  const [l, g] = SDXL.map((part) => tensors.get(part));
  if (l !== undefined && g !== undefined) return [l, g];
  const own = [...tensors.values()].filter(({ name }) => name.startsWith(WEBUI));
  const candidates = own.length > 0 ? own : [...tensors.values()];
  const [only, ...others] = candidates;
  if (only !== undefined && others.length === 0) return [only];
  throw new EngineError(
    'model-invalid',
    `"${source.name}" is no embedding: it has ${candidates.length} tensors, not the vectors of one token.`,
    { hint: 'Choose a textual inversion (.pt, .bin or .safetensors).' },
  );
}

async function readPart(source: WeightSource, tensor: TensorInfo): Promise<EmbeddingPart> {
  const [vectors = 0, width = 0] = tensor.shape.length === 1 ? [1, ...tensor.shape] : tensor.shape;
  const isTable = tensor.shape.length === 1 || tensor.shape.length === 2;
  if (!isTable || vectors < 1 || width < 1 || vectors > MAX_VECTORS || width > MAX_WIDTH) {
    throw invalid(
      source,
      `has "${tensor.name}" of shape [${tensor.shape.join(', ')}]; expected 1 to ${MAX_VECTORS} vectors up to ${MAX_WIDTH} wide`,
    );
  }
  const data = await source.readFloats(tensor);
  if (!data.every(Number.isFinite))
    throw invalid(source, `has values in "${tensor.name}" that are no numbers`);
  return { data, width };
}

function invalid({ name }: WeightSource, what: string): EngineError {
  return new EngineError('model-invalid', `"${name}" ${what}.`, {
    hint: 'Look for another version of the embedding.',
  });
}
