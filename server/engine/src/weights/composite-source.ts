import { EngineError } from '../errors.ts';
import type { TensorInfo, WeightSource } from './weight-source.ts';

/** What a source made of several is called. */
export interface CompositeName {
  /** Real path of the folder. */
  readonly path: string;
  /** For messages, without folders. */
  readonly name: string;
}

/**
 * Several sources as one: the shards of a network, or the networks of a model. Tensors stay in the files they lie in, and
 * it is unchanged if all of them are.
 * @throws EngineError `model-invalid` if two of them have a tensor of the same name.
 */
export function compositeSource(
  { path, name }: CompositeName,
  sources: readonly WeightSource[],
): WeightSource {
  const tensors = new Map<string, TensorInfo>();
  const metadata = new Map<string, string>();
  const owners = new Map<string, WeightSource>();
  for (const source of sources) {
    for (const [key, tensor] of source.tensors) {
      if (tensors.has(key)) {
        throw new EngineError('model-invalid', `"${name}" has the tensor "${key}" in more than one file.`, {
          hint: 'Download the folder again; files of different versions may lie side by side.',
        });
      }
      tensors.set(key, tensor);
      owners.set(tensor.file, source);
    }
    for (const [key, text] of source.metadata) if (!metadata.has(key)) metadata.set(key, text);
  }
  return {
    path,
    name,
    sizeBytes: sources.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    metadata,
    tensors,
    readFloats: (tensor) => {
      const owner = owners.get(tensor.file);
      if (owner === undefined) throw new RangeError(`${tensor.name} is not of "${name}".`);
      return owner.readFloats(tensor);
    },
    checkUnchanged: async () => {
      for (const source of sources) await source.checkUnchanged();
    },
  };
}
