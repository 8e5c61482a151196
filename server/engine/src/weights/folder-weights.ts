import { EngineError } from '../errors.ts';
import { compositeSource } from './composite-source.ts';
import type { FolderFiles } from './folder-files.ts';
import { readJsonFile } from './json-file.ts';
import { MAX_TENSORS } from './safetensors-header.ts';
import { openWeights } from './open-weights.ts';
import type { WeightSource } from './weight-source.ts';

/** The index of a sharded network lists each tensor once; the largest known has 200 kB. */
const MAX_INDEX_BYTES = 32 * 1024 * 1024;
const MAX_SHARDS = 1000;

/** What libraries call the weights of a network in its own folder. */
const BASES = ['diffusion_pytorch_model', 'model', 'pytorch_model'] as const;
const FORMATS = ['safetensors', 'bin'] as const;
/** Full precision first, weights for training last, others between. */
const VARIANTS = ['', 'fp32', 'ema', 'bf16', 'fp16'] as const;
const TRAINING = 'non_ema';

/** A file with the weights of a network, or the list of the files that have them. */
interface Candidate {
  readonly file: string;
  readonly isIndex: boolean;
  /** The less, the better; compared from the first on. */
  readonly rank: readonly number[];
}

/**
 * Opens the weights of one network in `folder` of a model, as diffusers and transformers save them: one file or shards with
 * an index, safetensors or pickle, plain or a variant (`model.fp16.safetensors`). Of several, safetensors goes before
 * pickle, then full precision before half.
 * @returns null if there are none.
 * @throws EngineError `model-invalid` if an index names files outside of the folder, or tensors that are not there.
 */
export async function openFolderWeights(files: FolderFiles, folder: string): Promise<WeightSource | null> {
  const [best] = (await files.list(folder)).flatMap(candidate).sort(byRank);
  if (best === undefined) return null;
  const inside = join(folder, best.file);
  return best.isIndex ? openShards(files, folder, inside) : openFile(files, inside);
}

function candidate(file: string): Candidate[] {
  const match =
    /^([a-z_]{1,40})(?:\.([\w-]{1,40}))?\.(safetensors|bin)(?:(\.index)(?:\.([\w-]{1,40}))?\.json)?$/.exec(
      file,
    );
  if (match === null) return [];
  const [, name = '', before, format = '', index, after] = match;
  const base = (BASES as readonly string[]).indexOf(name);
  if (base === -1) return [];
  const variant = before ?? after ?? '';
  const known = (VARIANTS as readonly string[]).indexOf(variant);
  const preference = variant === TRAINING ? VARIANTS.length + 1 : known === -1 ? VARIANTS.length : known;
  const isIndex = index !== undefined;
  const rank = [(FORMATS as readonly string[]).indexOf(format), preference, isIndex ? 1 : 0, base];
  return [{ file, isIndex, rank }];
}

function byRank(a: Candidate, b: Candidate): number {
  const at = a.rank.findIndex((part, index) => part !== b.rank[index]);
  return at === -1 ? 0 : (a.rank[at] ?? 0) - (b.rank[at] ?? 0);
}

/** @param inside path from the model's folder. */
async function openFile(files: FolderFiles, inside: string): Promise<WeightSource> {
  return openWeights(await files.require(inside));
}

async function openShards(files: FolderFiles, folder: string, inside: string): Promise<WeightSource> {
  const index = await readJsonFile(await files.require(inside), inside, MAX_INDEX_BYTES);
  const places = readPlaces(index.object('weight_map')?.entries() ?? [], inside);
  const shards = new Map<string, WeightSource>();
  for (const shard of new Set(places.values())) {
    if (shards.size >= MAX_SHARDS) throw invalid(inside, `names more than ${MAX_SHARDS} files`);
    shards.set(shard, await openFile(files, join(folder, shard)));
  }
  for (const [tensor, shard] of places) {
    if (shards.get(shard)?.tensors.has(tensor) === true) continue;
    throw invalid(inside, `says that "${tensor.slice(0, 200)}" is in "${shard}", but it is not`);
  }
  const found = [...shards.values()];
  return compositeSource({ path: files.path, name: files.name }, found);
}

/** Which file each tensor is in; files are named without folders. */
function readPlaces(entries: [string, unknown][], inside: string): Map<string, string> {
  if (entries.length === 0) throw invalid(inside, 'has no "weight_map"');
  if (entries.length > MAX_TENSORS) throw invalid(inside, `lists more than ${MAX_TENSORS} tensors`);
  const places = new Map<string, string>();
  for (const [tensor, file] of entries) {
    if (typeof file !== 'string' || !/^[\w-][\w.-]{0,200}$/.test(file)) {
      throw invalid(inside, 'names a file that is not inside its folder');
    }
    places.set(tensor, file);
  }
  return places;
}

function invalid(inside: string, what: string): EngineError {
  return new EngineError('model-invalid', `"${inside}" ${what}.`, {
    hint: 'Download the folder again; the files of a model belong together.',
  });
}

function join(folder: string, file: string): string {
  return folder === '' ? file : `${folder}/${file}`;
}
