/** Element types of safetensors, by their names in the file. */
export const ELEMENT_BITS = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E4M3: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2: 8,
  F8_E5M2FNUZ: 8,
  F8_E8M0: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  F64: 64,
  I64: 64,
  U64: 64,
  C64: 64,
} as const;
export type ElementType = keyof typeof ELEMENT_BITS;

/** Bytes that do not lie in a file as they are needed: of quantised or transposed tensors. */
export interface MadeBytes {
  /** What they are made of, in the file: the same for the same bytes. */
  readonly key: string;
  /**
   * Makes all of them, each time anew.
   * @throws EngineError `model-changed` if the file is not the one that was opened
   */
  readonly make: () => Promise<Uint8Array>;
}

/** Where a tensor lies: `byteLength` bytes from `offset` of `file`, row-major, little-endian. */
export interface TensorInfo {
  /** Full name in the file. */
  readonly name: string;
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  /** Real path (no links in it). */
  readonly file: string;
  readonly offset: number;
  readonly byteLength: number;
  /** If set, the bytes are made from `file`, and `offset` counts in what was made. */
  readonly made?: MadeBytes;
}

/** A weight file that has been read as far as its table of contents. Holds no open file. */
export interface WeightSource {
  /** Real path, or the folder's for a format of several files. */
  readonly path: string;
  /** File name without folders, for messages: those reach people who must not learn about the server's folders. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Free text that the maker put in; untrusted. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /**
   * Values of a small tensor as float32.
   * @throws EngineError `model-changed` if the file is not the one whose header was read.
   */
  readFloats(tensor: TensorInfo): Promise<Float32Array>;
  /** @throws EngineError `model-changed`, or `model-not-found` if the file is gone. */
  checkUnchanged(): Promise<void>;
}

/** Number of values; 1 for rank 0. */
export function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
