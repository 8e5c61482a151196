import type { OnnxModel } from '../onnx/graph.ts';
import { loadBytesOf, SessionCache, type NetworkRequest } from '../onnx/session-cache.ts';
import { liveInputs, type Array32, type Session, type SessionOptions } from '../onnx/session.ts';
import type { WeightSource } from '../weights/weight-source.ts';

export interface NetworkOptions extends SessionOptions {
  /**
   * What the UNet is prepared for. `opening`, the default: it is ready soon. `drawing`: its convolutions are laid out in blocks
   * first, which takes twice as long and half as much memory again, and then an evaluation takes 0.83 of the time
   * (docs/benchmarks.md).
   */
  readonly optimise?: Optimise;
  /** Keeps networks for the next time. Default: they are closed with what they were opened for. */
  readonly cache?: SessionCache;
  /**
   * Memory that a VAE may take for a picture; larger ones are encoded and decoded in tiles, to the same result but in twice
   * the time. Default: whatever the machine has.
   */
  readonly vaeBytes?: number;
}

/** See {@link NetworkOptions.optimise}. */
export const OPTIMISE = ['opening', 'drawing'] as const;
export type Optimise = (typeof OPTIMISE)[number];

/** A network that is built from the header at once and loaded when first used. */
export class LazyNetwork<Model extends OnnxModel> {
  readonly name: string;
  readonly model: Model;
  readonly #request: NetworkRequest;
  readonly #cache: SessionCache;
  readonly #isCacheOwn: boolean;
  #isDisposed = false;
  /** Of the largest run since it was loaded. */
  #runBytes = 0;

  /** @param sources that the model's weights lie in */
  constructor(name: string, model: Model, sources: readonly WeightSource[], options: NetworkOptions) {
    this.name = name;
    this.model = model;
    this.#request = { name, model, sources, options };
    this.#isCacheOwn = options.cache === undefined;
    this.#cache = options.cache ?? new SessionCache();
  }

  /** Memory that loading it would still take, in bytes. */
  get loadBytes(): number {
    return this.#cache.has(this.#request) ? 0 : loadBytesOf(this.model);
  }

  /**
   * Makes sure of the memory for a run before it is tried; networks keep what their largest run took.
   * @param runBytes of the run, without the weights
   * @throws EngineError `out-of-memory` with the numbers
   */
  async reserve(purpose: string, runBytes: number): Promise<void> {
    const { loadBytes } = this;
    const kept = loadBytes > 0 ? 0 : this.#runBytes;
    if (loadBytes === 0 && runBytes <= kept) return;
    await this.#cache.makeRoom(purpose, loadBytes + runBytes - kept, this.#request);
    this.#runBytes = runBytes;
  }

  /** Loads it if it is not loaded; after a failure the next call tries again. */
  load(): Promise<void> {
    return this.#use(() => Promise.resolve());
  }

  /** See `Session.run`. */
  run<Output extends string>(
    inputs: Record<string, Array32<Float32Array | Int32Array>>,
    outputs: readonly Output[],
  ): Promise<Record<Output, Array32>> {
    return this.#use((session) => session.run({ ...inputs, ...liveInputs(this.model) }, outputs));
  }

  /** As `run`, for one output. */
  runOne(inputs: Record<string, Array32<Float32Array | Int32Array>>, output: string): Promise<Array32> {
    return this.#use((session) => session.runOne({ ...inputs, ...liveInputs(this.model) }, output));
  }

  /** Frees its memory, unless a cache was given that keeps it for the next time. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    if (this.#isCacheOwn) await this.#cache.dispose();
  }

  async #use<Result>(run: (session: Session) => Promise<Result>): Promise<Result> {
    if (this.#isDisposed) throw new Error(`The ${this.name} was used after it was disposed of.`);
    return this.#cache.use(this.#request, run);
  }
}

/** Loads networks one after the other, telling of each before; stops between two of them if `signal` says so. */
export async function loadAll(
  networks: readonly LazyNetwork<OnnxModel>[],
  onNetwork?: (name: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  for (const network of networks) {
    signal?.throwIfAborted();
    onNetwork?.(network.name);
    await network.load();
  }
}
