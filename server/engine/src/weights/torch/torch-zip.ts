import { crc32 } from 'node:zlib';
import { ByteReader, EndOfBytes } from '../byte-reader.ts';
import { readExactly } from '../file-bytes.ts';
import { openFile, type Contents, type OpenedFile } from '../file-source.ts';
import { FormatError, quote } from '../format-error.ts';
import { PickleContext, readPickle } from '../pickle/machine.ts';
import type { PickleValue } from '../pickle/values.ts';
import type { WeightSource } from '../weight-source.ts';
import { readStateDict } from './state-dict.ts';
import { placeTensors } from './tensors.ts';
import { readZipDirectory, type ZipEntry } from './zip-directory.ts';

/** Real ones have a few hundred kilobytes. */
export const MAX_PICKLE_BYTES = 64 * 1024 * 1024;

/**
 * Archives up to this size are read once to compare every checksum: embeddings, LoRAs, small networks. Of larger ones only
 * what is read in any case is checked, or telling what a checkpoint is would take as long as loading it.
 */
const MAX_CHECKED_BYTES = 16 * 1024 * 1024;

/**
 * Opens a file that `torch.save` wrote (since 1.6): a zip archive with one pickle, `<folder>/data.pkl`, and a plain entry
 * for each storage, `<folder>/data/<key>`. Nothing in it is run: see pickle/machine.ts.
 * @throws EngineError `model-not-found`, or `model-invalid` with what is wrong with the file.
 */
export function openTorchZip(path: string): Promise<WeightSource> {
  return openFile(path, 'PyTorch file', readContents);
}

async function readContents(file: OpenedFile): Promise<Contents> {
  const entries = await readZipDirectory(file);
  if (file.sizeBytes <= MAX_CHECKED_BYTES) {
    for (const stored of entries.values()) await checkedBytes(file, stored);
  }
  const folder = folderOf(entries);
  const { tensors, metadata } = readStateDict(await pickleIn(file, entry(entries, `${folder}data.pkl`)));
  const isBigEndian = await bigEndian(file, entries.get(`${folder}byteorder`));
  const placed = placeTensors(tensors, file, {
    isBigEndian,
    find: ({ key }) => entry(entries, `${folder}data/${key}`),
  });
  return { tensors: placed, metadata };
}

function folderOf(entries: ReadonlyMap<string, ZipEntry>): string {
  const pickles = [...entries.keys()].filter((name) => /(?:^|\/)data\.pkl$/i.test(name));
  const [pickle] = pickles;
  if (pickle === undefined) {
    throw new FormatError('its archive has no data.pkl', {
      hint: 'It is another kind of zip archive; if it holds model files, unpack it.',
    });
  }
  if (pickles.length > 1) throw new FormatError('its archive has more than one data.pkl');
  const folder = pickle.slice(0, -'data.pkl'.length);
  if (entries.has(`${folder}constants.pkl`)) {
    throw new FormatError('it is a TorchScript program, not a set of weights', {
      hint: 'Look for the weights that it was made from.',
    });
  }
  return folder;
}

function entry(entries: ReadonlyMap<string, ZipEntry>, name: string): ZipEntry {
  const found = entries.get(name);
  if (found === undefined) throw new FormatError(`its archive lacks ${quote(name)}`);
  return found;
}

async function pickleIn(file: OpenedFile, pickle: ZipEntry): Promise<PickleValue> {
  if (pickle.byteLength > MAX_PICKLE_BYTES) {
    throw new FormatError(
      `its pickle has ${pickle.byteLength} bytes; at most ${MAX_PICKLE_BYTES} are allowed`,
    );
  }
  const reader = new ByteReader(await checkedBytes(file, pickle));
  try {
    const value = readPickle(reader, new PickleContext());
    if (reader.position !== pickle.byteLength) throw new FormatError('its pickle goes on after its end');
    return value;
  } catch (error) {
    if (error instanceof EndOfBytes) throw new FormatError('its pickle ends too early', { cause: error });
    throw error;
  }
}

async function bigEndian(file: OpenedFile, order: ZipEntry | undefined): Promise<boolean> {
  if (order === undefined) return false; // files of torch before 2.1 are of the machine, which is little-endian
  if (order.byteLength > 16) throw new FormatError('its archive has an unknown order of bytes');
  const text = new TextDecoder('latin1').decode(await checkedBytes(file, order));
  if (text !== 'little' && text !== 'big')
    throw new FormatError(`its archive has the order of bytes ${quote(text)}`);
  return text === 'big';
}

async function checkedBytes(
  file: OpenedFile,
  { name, offset, byteLength, crc32: sum }: ZipEntry,
): Promise<Uint8Array> {
  const bytes = await readExactly(file.handle, offset, byteLength);
  if (crc32(bytes) !== sum)
    throw new FormatError(`${quote(name)} in its archive is damaged (wrong checksum)`);
  return bytes;
}
