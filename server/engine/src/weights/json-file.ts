import { open } from 'node:fs/promises';
import { EngineError } from '../errors.ts';
import { identify, unreadable } from './file-identity.ts';

/** Configurations have a few kilobytes. */
const MAX_CONFIG_BYTES = 1024 * 1024;

/**
 * Reads a JSON object of a model's folder. Values are foreign: take them by `JsonObject`'s methods.
 * @param shown how messages name it, such as `unet/config.json`
 * @throws EngineError `model-invalid` if it is too long, no JSON or no object.
 */
export async function readJsonFile(
  path: string,
  shown: string,
  maxBytes = MAX_CONFIG_BYTES,
): Promise<JsonObject> {
  const { sizeBytes } = await identify(path);
  if (sizeBytes > maxBytes) {
    throw invalid(shown, `has ${sizeBytes} bytes; at most ${maxBytes} are read`);
  }
  const bytes = new Uint8Array(Number(sizeBytes));
  try {
    const file = await open(path, 'r');
    try {
      let done = 0;
      while (done < bytes.length) {
        const { bytesRead } = await file.read(bytes, done, bytes.length - done, done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalid(shown, 'is not JSON', cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(shown, 'is not a JSON object');
  }
  return new JsonObject(value);
}

function invalid(shown: string, what: string, cause?: unknown): EngineError {
  return new EngineError('model-invalid', `"${shown}" ${what}.`, {
    hint: 'Download the file again.',
    cause,
  });
}

/** Fields of a foreign object, each null unless it is there and of the kind that is asked for. */
export class JsonObject {
  readonly #object: object;

  constructor(object: object = {}) {
    this.#object = object;
  }

  text(key: string): string | null {
    const value = this.#own(key);
    return typeof value === 'string' && value.length <= 1000 ? value : null;
  }

  number(key: string): number | null {
    const value = this.#own(key);
    return typeof value === 'number' && Number.isFinite(value) ? value : null;
  }

  flag(key: string): boolean | null {
    const value = this.#own(key);
    return typeof value === 'boolean' ? value : null;
  }

  /** A list of up to 100 numbers. */
  numbers(key: string): readonly number[] | null {
    const value = this.#own(key);
    const isList = Array.isArray(value) && value.length > 0 && value.length <= 100;
    return isList && value.every((part) => Number.isFinite(part)) ? (value as number[]) : null;
  }

  object(key: string): JsonObject | null {
    const value = this.#own(key);
    return typeof value === 'object' && value !== null ? new JsonObject(value) : null;
  }

  entries(): [string, unknown][] {
    return Object.entries(this.#object);
  }

  #own(key: string): unknown {
    return Object.hasOwn(this.#object, key) ? (this.#object as Record<string, unknown>)[key] : undefined;
  }
}
