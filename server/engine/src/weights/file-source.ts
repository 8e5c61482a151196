import { realpath, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { readExactly, withFile } from './file-bytes.ts';
import { checkIdentity, identify, unreadable, type FileIdentity } from './file-identity.ts';
import { floatsFrom } from './floats.ts';
import { FormatError, invalidFile } from './format-error.ts';
import { tensorBytes } from './tensor-bytes.ts';
import type { TensorInfo, WeightSource } from './weight-source.ts';

/** `readFloats` is for small tensors; weights are used where they lie. */
const MAX_READ_BYTES = 64 * 1024 * 1024;

/** A file whose table of contents is being read. */
export interface OpenedFile {
  readonly handle: FileHandle;
  /** Real path (no links in it). */
  readonly path: string;
  readonly sizeBytes: number;
  /**
   * Bytes of the file, to be used after it was opened: for tensors that must be converted.
   * @throws EngineError `model-changed` if the file is not the one that was opened.
   */
  readonly readLater: (position: number, length: number) => Promise<Uint8Array>;
}

/** What a table of contents says. */
export interface Contents {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Opens a weight file of one format, and sees to it that it did not change meanwhile.
 * @param kind for messages: "safetensors file".
 * @throws EngineError `model-not-found`, `model-changed`, or `model-invalid` with what `read` found wrong.
 */
export async function openFile(
  path: string,
  kind: string,
  read: (file: OpenedFile) => Promise<Contents>,
): Promise<WeightSource> {
  const real = await realpath(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  const identity = await identify(real);
  const sizeBytes = Number(identity.sizeBytes);
  const readLater = async (position: number, length: number): Promise<Uint8Array> => {
    await checkIdentity(real, identity);
    return withFile(real, (file) => readExactly(file, position, length));
  };
  try {
    const contents = await withFile(real, async (handle) => {
      if (sizeBytes === 0) throw new FormatError('it is empty');
      return read({ handle, path: real, sizeBytes, readLater });
    });
    await checkIdentity(real, identity);
    return new FileSource(real, identity, contents);
  } catch (error) {
    if (error instanceof FormatError) throw invalidFile(real, kind, error);
    throw error;
  }
}

class FileSource implements WeightSource {
  readonly path: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly #identity: FileIdentity;

  constructor(path: string, identity: FileIdentity, { metadata, tensors }: Contents) {
    this.path = path;
    this.name = basename(path);
    this.sizeBytes = Number(identity.sizeBytes);
    this.#identity = identity;
    this.metadata = metadata;
    this.tensors = tensors;
  }

  async readFloats(tensor: TensorInfo): Promise<Float32Array> {
    if (tensor.byteLength > MAX_READ_BYTES) {
      throw new RangeError(
        `${tensor.name} has ${tensor.byteLength} bytes; at most ${MAX_READ_BYTES} are read.`,
      );
    }
    await this.checkUnchanged();
    return floatsFrom(await tensorBytes(tensor), tensor);
  }

  checkUnchanged(): Promise<void> {
    return checkIdentity(this.path, this.#identity);
  }
}
