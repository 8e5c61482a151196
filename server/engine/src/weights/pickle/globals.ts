import { FormatError, quote } from '../format-error.ts';
import type { ElementType } from '../weight-source.ts';
import { rebuildTensor, rebuildTensorV3 } from './rebuild-tensor.ts';
import {
  Inert,
  PickleDict,
  PickleGlobal,
  PickleList,
  PickleTuple,
  type PickleValue,
  type StorageType,
} from './values.ts';

/**
 * The only names that a pickle may refer to. A name that is not here rejects the file, since what its author wanted it to
 * do is not known. None of them is imported or called: what they would give is made from their arguments, as data.
 */
const GLOBALS = new Map<string, PickleGlobal>();

/** Longer names are no names; joining and comparing them could take for ever. */
const MAX_NAME = 1000;

/** Left over from training; nothing of it is needed to draw. */
const LEFTOVERS = /^(?:pytorch_lightning|lightning|lightning_fabric|omegaconf)(?:\.[A-Za-z0-9_]+)*$/;

const STORAGES: Record<string, StorageType> = {
  Float: 'F32',
  Half: 'F16',
  BFloat16: 'BF16',
  Double: 'F64',
  Long: 'I64',
  Int: 'I32',
  Short: 'I16',
  Char: 'I8',
  Byte: 'U8',
  Bool: 'BOOL',
  ComplexFloat: 'C64',
};
const DTYPES: Record<string, ElementType> = {
  float32: 'F32',
  float: 'F32',
  float16: 'F16',
  half: 'F16',
  bfloat16: 'BF16',
  float64: 'F64',
  double: 'F64',
  int64: 'I64',
  long: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  uint16: 'U16',
  uint32: 'U32',
  uint64: 'U64',
  bool: 'BOOL',
  complex64: 'C64',
  float8_e4m3fn: 'F8_E4M3',
  float8_e5m2: 'F8_E5M2',
  float8_e4m3fnuz: 'F8_E4M3FNUZ',
  float8_e5m2fnuz: 'F8_E5M2FNUZ',
};
/** Objects of these are kept as `Inert`: scores, paths of training, settings. */
const INERT = [
  'torch device',
  'torch.nn.modules.container ParameterDict',
  'numpy dtype',
  'numpy ndarray',
  'numpy.core.multiarray scalar',
  'numpy.core.multiarray _reconstruct',
  'numpy._core.multiarray scalar',
  'numpy._core.multiarray _reconstruct',
  'numpy.core.numeric _frombuffer',
  'numpy._core.numeric _frombuffer',
  'argparse Namespace',
  'typing Any',
  ...['set', 'frozenset', 'list', 'dict', 'tuple', 'int', 'float', 'bool', 'str', 'bytes', 'object'].flatMap(
    (type) => [`builtins ${type}`, `__builtin__ ${type}`],
  ),
];

const storageTypes = new WeakMap<PickleGlobal, StorageType>();
const elementTypes = new WeakMap<PickleValue & object, ElementType>();

/** @throws FormatError that names what the file wants, unless it is known to be harmless data. */
export function resolveGlobal(module: string, name: string): PickleGlobal {
  if (module.length + name.length > MAX_NAME) throw new FormatError('its pickle has an endless name');
  const full = `${module} ${name}`;
  const known = GLOBALS.get(full);
  if (known !== undefined) return known;
  if (LEFTOVERS.test(module)) return new PickleGlobal(full, () => new Inert(full));
  throw new FormatError(`it would run code of its own: it refers to ${quote(`${module}.${name}`)}`, {
    hint: 'Files like this can do anything to the computer, so it was not opened. Look for a .safetensors version.',
  });
}

/** The type of the values in a storage class. */
export function storageTypeOf(value: PickleValue | undefined): StorageType {
  const type = value instanceof PickleGlobal ? storageTypes.get(value) : undefined;
  if (type === undefined) throw new FormatError('its pickle has a storage that is of no known type');
  return type;
}

function elementTypeOf(value: PickleValue | undefined): ElementType {
  const type = value instanceof PickleGlobal ? elementTypes.get(value) : undefined;
  if (type === undefined) throw new FormatError('its pickle has a tensor that is of no known type');
  return type;
}

function define(full: string, call: (args: readonly PickleValue[]) => PickleValue): PickleGlobal {
  const global = new PickleGlobal(full, call);
  GLOBALS.set(full, global);
  return global;
}

function notCallable(full: string): () => never {
  return () => {
    throw new FormatError(`its pickle calls ${quote(full)}, which is no function`);
  };
}

/** `OrderedDict()`, or `OrderedDict([[key, value], …])` of Python 2. */
function orderedDict([pairs]: readonly PickleValue[]): PickleValue {
  const dict = new PickleDict();
  if (pairs instanceof PickleList) {
    for (const pair of pairs.items) {
      const [key, value] = pair instanceof PickleList || pair instanceof PickleTuple ? pair.items : [];
      if (key === undefined || value === undefined) {
        throw new FormatError('its pickle has a dict that is not made of pairs');
      }
      dict.entries.set(key, value);
    }
  }
  return dict;
}

/** Protocol 2 has no bytes: they come as `encode(text, 'latin1')`. */
function encode([text, encoding]: readonly PickleValue[]): PickleValue {
  if (typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1')) {
    throw new FormatError('its pickle has bytes in an encoding that is not known');
  }
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

define('collections OrderedDict', orderedDict);
define('collections defaultdict', () => new PickleDict());
define('_codecs encode', encode);
define('torch Size', ([sizes]) => (sizes instanceof PickleTuple ? sizes : new PickleTuple([])));
define('torch._utils _rebuild_tensor', rebuildTensor);
define('torch._utils _rebuild_tensor_v2', rebuildTensor);
define('torch._utils _rebuild_tensor_v3', (args) => rebuildTensorV3(args, elementTypeOf(args[6])));
define('torch._utils _rebuild_parameter', ([data]) => data ?? null);
define('torch._utils _rebuild_parameter_with_state', ([data]) => data ?? null);
for (const full of INERT) define(full, () => new Inert(full));
for (const [name, type] of Object.entries(STORAGES)) {
  for (const module of ['torch', 'torch.cuda']) {
    const full = `${module} ${name}Storage`;
    storageTypes.set(define(full, notCallable(full)), type);
  }
}
for (const full of ['torch.storage UntypedStorage', 'torch UntypedStorage']) {
  storageTypes.set(define(full, notCallable(full)), 'untyped');
}
for (const [name, type] of Object.entries(DTYPES)) {
  const full = `torch ${name}`;
  elementTypes.set(define(full, notCallable(full)), type);
}
