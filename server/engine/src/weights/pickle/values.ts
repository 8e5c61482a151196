import type { ElementType } from '../weight-source.ts';

/** What a pickle may hold here: data, and nothing that can run. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleList
  | PickleTuple
  | PickleDict
  | PickleGlobal
  | Inert
  | Storage
  | PickledTensor;

/** A list, or a set. */
export class PickleList {
  readonly items: PickleValue[] = [];
}

export class PickleTuple {
  readonly items: readonly PickleValue[];
  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** A dict of any kind. A `Map`, so that no key is special. */
export class PickleDict {
  readonly entries = new Map<PickleValue, PickleValue>();
}

/** The name of a class or function that a pickle refers to. Only a name: nothing is imported. */
export class PickleGlobal {
  readonly name: string;
  /** What calling it gives; it computes from its arguments alone. */
  readonly call: (args: readonly PickleValue[]) => PickleValue;
  constructor(name: string, call: (args: readonly PickleValue[]) => PickleValue) {
    this.name = name;
    this.call = call;
  }
}

/** Element types by storage class. An untyped storage takes the type of the tensor. */
export type StorageType = ElementType | 'untyped';

/** An object of a class that is of no use here: what it was made from is dropped, its state is kept as data. */
export class Inert {
  readonly className: string;
  state: PickleValue = null;
  constructor(className: string) {
    this.className = className;
  }
}

/** A block of values that lies outside the pickle, or a part of one. Counts are in values, of an untyped one in bytes. */
export class Storage {
  readonly type: StorageType;
  readonly key: string;
  /** Of the whole block. */
  readonly length: number;
  /** Where the part begins. */
  readonly begin: number;
  /** Of the part. */
  readonly size: number;
  constructor(type: StorageType, key: string, extent: { length: number; begin: number; size: number }) {
    this.type = type;
    this.key = key;
    this.length = extent.length;
    this.begin = extent.begin;
    this.size = extent.size;
  }
}

/** A tensor over a storage; offset and strides in values, the offset from the start of the whole block. */
export class PickledTensor {
  readonly dtype: ElementType;
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  constructor(
    dtype: ElementType,
    storage: Storage,
    layout: { offset: number; shape: readonly number[]; strides: readonly number[] },
  ) {
    this.dtype = dtype;
    this.storage = storage;
    this.offset = layout.offset;
    this.shape = layout.shape;
    this.strides = layout.strides;
  }
}
