import type { OnnxModel } from '../onnx/graph.ts';
import { Session, type SessionOptions } from '../onnx/session.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import { requireMemory } from './memory.ts';

/** A network that is built from the header at once and loaded when first used. */
export class LazyNetwork<Model extends OnnxModel> {
  readonly name: string;
  readonly model: Model;
  readonly #sources: readonly WeightSource[];
  readonly #options: SessionOptions;
  #session: Promise<Session> | null = null;
  #isDisposed = false;

  /** @param sources that the model's weights lie in */
  constructor(name: string, model: Model, sources: readonly WeightSource[], options: SessionOptions) {
    this.name = name;
    this.model = model;
    this.#sources = sources;
    this.#options = options;
  }

  /** Memory that loading it would still take, in bytes; about 3 % more than the weights as float32 was measured. */
  get loadBytes(): number {
    return this.#session === null ? Math.ceil(1.05 * this.model.weightBytes) : 0;
  }

  /** Loads on the first call; a failure is forgotten, so that the next call tries again. */
  session(): Promise<Session> {
    if (this.#isDisposed)
      return Promise.reject(new Error(`The ${this.name} was used after it was disposed of.`));
    this.#session ??= this.#open(this.loadBytes).catch((error: unknown) => {
      this.#session = null;
      throw error;
    });
    return this.#session;
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    const session = await this.#session?.catch(() => null); // its opener has been told
    await session?.dispose();
  }

  async #open(loadBytes: number): Promise<Session> {
    await Promise.all(this.#sources.map((source) => source.checkUnchanged()));
    await requireMemory(`load the ${this.name}`, loadBytes);
    return Session.open(this.name, this.model, this.#options);
  }
}
