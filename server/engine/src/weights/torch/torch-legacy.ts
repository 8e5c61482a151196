import { ByteReader } from '../byte-reader.ts';
import { parseStart, readExactly } from '../file-bytes.ts';
import { openFile, type Contents, type OpenedFile } from '../file-source.ts';
import { cutFile, FormatError, quote } from '../format-error.ts';
import { PickleContext, readPickle } from '../pickle/machine.ts';
import { PickleList, type PickleValue, type Storage } from '../pickle/values.ts';
import { ELEMENT_BITS, type WeightSource } from '../weight-source.ts';
import { readStateDict, type StateDict } from './state-dict.ts';
import { placeTensors, type Stretch } from './tensors.ts';
import { MAX_PICKLE_BYTES } from './torch-zip.ts';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;
const COUNT_BYTES = 8;

/**
 * Opens a file that `torch.save` wrote before 1.6: pickles of a magic number, a version, facts about the machine, the
 * object, and the keys of its storages; then each storage as a count and its values, little-endian.
 * @throws EngineError `model-not-found`, or `model-invalid` with what is wrong with the file.
 */
export function openTorchLegacy(path: string): Promise<WeightSource> {
  return openFile(path, 'PyTorch file', readContents);
}

async function readContents(file: OpenedFile): Promise<Contents> {
  const limit = { bytes: MAX_PICKLE_BYTES, what: 'pickles' };
  const start = await parseStart(file.handle, file.sizeBytes, limit, readPickles);
  const stretches = await findStorages(file, start);
  const find = ({ key }: Storage): Stretch => {
    const stretch = stretches.get(key);
    if (stretch === undefined) throw new FormatError(`it lacks the storage ${quote(key)}`);
    return stretch;
  };
  const { tensors, metadata } = start.stateDict;
  return { tensors: placeTensors(tensors, file, { find, isBigEndian: false }), metadata };
}

interface Start {
  readonly stateDict: StateDict;
  readonly keys: readonly string[];
  readonly storages: ReadonlyMap<string, Storage>;
  /** Where the storages begin. */
  readonly end: number;
}

function readPickles(reader: ByteReader): Start {
  const context = new PickleContext();
  const next = (): PickleValue => readPickle(reader, context);
  if (next() !== MAGIC) {
    throw new FormatError('it is a pickle that torch did not write', {
      hint: 'It belongs to another program; look for a .safetensors version.',
    });
  }
  if (next() !== PROTOCOL) throw new FormatError(`it has another version than ${PROTOCOL}`);
  next(); // facts about the machine that wrote it; storages are little-endian whatever they say
  const root = next();
  const keys = next();
  if (!(keys instanceof PickleList) || !keys.items.every((key) => typeof key === 'string')) {
    throw new FormatError('it has no list of its storages');
  }
  return {
    stateDict: readStateDict(root),
    keys: keys.items,
    storages: context.storages,
    end: reader.position,
  };
}

/** A step through the file from storage to storage: each says how many values it has. */
async function findStorages(
  { handle, path, sizeBytes }: OpenedFile,
  { keys, storages, end }: Start,
): Promise<Map<string, Stretch>> {
  const stretches = new Map<string, Stretch>();
  let position = end;
  for (const key of keys) {
    const storage = storages.get(key);
    if (storage === undefined || storage.type === 'untyped' || stretches.has(key)) {
      throw new FormatError(`its list of storages has ${quote(key)}, which its pickle does not`);
    }
    const offset = position + COUNT_BYTES;
    const byteLength = (storage.length * ELEMENT_BITS[storage.type]) / 8;
    if (offset + byteLength > sizeBytes)
      throw cutFile(path, { expected: offset + byteLength, real: sizeBytes, isLeast: true });
    const count = new ByteReader(await readExactly(handle, position, COUNT_BYTES)).size();
    if (count !== storage.length) {
      throw new FormatError(
        `the storage ${quote(key)} has ${count} values and should have ${storage.length}`,
      );
    }
    stretches.set(key, { offset, byteLength });
    position = offset + byteLength;
  }
  return stretches;
}
