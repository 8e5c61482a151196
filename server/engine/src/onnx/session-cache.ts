import { createHash } from 'node:crypto';
import type { WeightSource } from '../weights/weight-source.ts';
import type { OnnxModel } from './graph.ts';
import { availableMemory, requireMemory } from './memory.ts';
import { Session, type SessionOptions } from './session.ts';

/** A network that may be open already. */
export interface NetworkRequest {
  /** For messages: "UNet". */
  readonly name: string;
  readonly model: OnnxModel;
  /** Files that its weights lie in. */
  readonly sources: readonly WeightSource[];
  readonly options: SessionOptions;
}

interface Entry {
  readonly session: Promise<Session>;
  readonly bytes: number;
  readonly sources: readonly WeightSource[];
  /** Runs under way; an entry in use is never closed. */
  pins: number;
}

/**
 * Networks that are loaded, kept for the next time: going back to a model that is still in here costs nothing. A network is
 * the same if its graph is, which names its files, its patches and their strengths, and if it runs in the same way. Those
 * not used for longest are closed when the budget, or the machine, has no room for another.
 */
export class SessionCache {
  readonly #budgetBytes: number;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();

  /** @param budgetBytes for weights as float32; default: whatever the machine has */
  constructor(budgetBytes = Infinity) {
    this.#budgetBytes = budgetBytes;
  }

  /** Of all weights that are loaded, about. */
  get bytes(): number {
    return [...this.#entries.values()].reduce((sum, entry) => sum + entry.bytes, 0);
  }

  /** True if it need not be loaded. */
  has(request: NetworkRequest): boolean {
    return this.#entries.has(keyOf(request));
  }

  /**
   * Uses a network, which is loaded first where it is not. Its files are looked at each time, since the runtime reads some
   * weights from them as it goes: one that was written to would give pictures of mixed weights, and one that became shorter
   * would end the process.
   * @throws EngineError `model-changed` if a file is not what it was; `out-of-memory` with the numbers if there is no room
   */
  async use<Result>(request: NetworkRequest, run: (session: Session) => Promise<Result>): Promise<Result> {
    const key = keyOf(request);
    const current = await this.#current(key);
    const entry = current ?? this.#entries.get(key) ?? this.#enter(request); // somebody else may have been quicker
    this.#entries.delete(key);
    this.#entries.set(key, entry); // now the last to go
    entry.pins += 1;
    try {
      return await run(await entry.session);
    } catch (error) {
      const isOpen = await entry.session.then(
        () => true,
        () => false,
      );
      if (!isOpen && this.#entries.get(key) === entry) this.#entries.delete(key); // the next call tries again
      throw error;
    } finally {
      entry.pins -= 1;
    }
  }

  /**
   * Closes what is not in use, and is not to be kept, until `bytes` more are to be had.
   * @throws EngineError `out-of-memory` with the numbers if there are not so many even then
   */
  async makeRoom(purpose: string, bytes: number, keep?: NetworkRequest): Promise<void> {
    const kept = keep === undefined ? undefined : this.#entries.get(keyOf(keep));
    await this.#makeRoom(bytes, kept);
    await requireMemory(purpose, bytes);
  }

  async #makeRoom(bytes: number, kept: Entry | undefined): Promise<void> {
    for (const [key, entry] of [...this.#entries]) {
      if (this.bytes <= this.#budgetBytes && bytes <= (await availableMemory())) return;
      if (entry.pins === 0 && entry !== kept) await this.#close(key);
    }
  }

  /** Closes everything. */
  async dispose(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((key) => this.#close(key)));
  }

  /** What is open for a key, unless its files have changed since. */
  async #current(key: string): Promise<Entry | undefined> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    try {
      await Promise.all(entry.sources.map((source) => source.checkUnchanged()));
      return entry;
    } catch {
      await this.#close(key); // of what the files were before
      return undefined;
    }
  }

  #enter(request: NetworkRequest): Entry {
    const { name, model, sources, options } = request;
    const bytes = loadBytesOf(model);
    const open = async (): Promise<Session> => {
      await Promise.all(sources.map((source) => source.checkUnchanged()));
      await this.#makeRoom(bytes + model.openingBytes, entry); // its bytes count already
      await requireMemory(`load the ${name}`, bytes + model.openingBytes);
      return Session.open(name, model, options);
    };
    const entry: Entry = {
      // Not at once, so that the entry is there before it is opened.
      session: Promise.resolve().then(open),
      bytes,
      sources,
      pins: 0,
    };
    return entry;
  }

  async #close(key: string): Promise<void> {
    const entry = this.#entries.get(key);
    this.#entries.delete(key);
    const session = await entry?.session.catch(() => null); // its opener has been told
    await session?.dispose();
  }
}

/** By their requests, since bytes of a large graph take a while to hash. */
const keys = new WeakMap<NetworkRequest, string>();

function keyOf(request: NetworkRequest): string {
  const known = keys.get(request);
  if (known !== undefined) return known;
  const { model, options } = request;
  const how = [options.threads, options.provider, model.blocksChannels];
  const key = [createHash('sha256').update(model.bytes).digest('hex'), ...how].join(' ');
  keys.set(request, key);
  return key;
}

/** Memory that loading takes, in bytes; 3 % more than the weights as float32 was measured, 2.7 times as much with blocks of channels. */
export function loadBytesOf({ weightBytes, blocksChannels = false }: OnnxModel): number {
  if (!blocksChannels) return Math.ceil(1.05 * weightBytes);
  return Math.ceil(1.7 * weightBytes + Math.min(1.1 * weightBytes, 0.2e9));
}
