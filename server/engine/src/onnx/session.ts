import type * as Runtime from 'onnxruntime-node';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { EngineError } from '../errors.ts';
import type { OnnxModel } from './graph.ts';
import { placeWeights } from './initializers.ts';
import { createOn, type Provider } from './providers.ts';
import { threadsWithinQuota } from './threads.ts';

/** A tensor that goes into or comes out of a network, row-major. */
export interface Array32<Data extends Float32Array | Int32Array = Float32Array> {
  readonly data: Data;
  readonly dims: readonly number[];
}

export interface SessionOptions {
  /** Default: one for each physical core, or as many as the quota of a container allows. */
  readonly threads?: number;
  /** Where to run; default: the CPU. Where it is not to be had, the CPU is used and `onNotice` is told. */
  readonly provider?: Provider;
  /** Told in a sentence for people what is other than asked for. */
  readonly onNotice?: (text: string) => void;
}

/** A network that is loaded. Holds native memory until disposed. */
export class Session {
  /** For messages: "UNet". */
  readonly network: string;
  readonly #runtime: typeof Runtime;
  #native: InferenceSession | null;
  #running: Promise<unknown> = Promise.resolve();

  private constructor(network: string, runtime: typeof Runtime, native: InferenceSession) {
    this.network = network;
    this.#runtime = runtime;
    this.#native = native;
  }

  /**
   * Loads the weights that `model` refers to. The native call blocks this thread until it is done.
   * @throws EngineError `out-of-memory`, or `model-invalid` with what ONNX Runtime said.
   */
  static async open(network: string, model: OnnxModel, options: SessionOptions = {}): Promise<Session> {
    const threads = options.threads ?? (await threadsWithinQuota());
    // Loaded here so that programs which only look at files never load the native library.
    const runtime = await import('onnxruntime-node');
    const { bytes, root, inMemory } = await placeWeights(model.weights);
    try {
      const create = (executionProviders: readonly string[]): Promise<InferenceSession> =>
        runtime.InferenceSession.create(Buffer.concat([model.bytes, bytes]), {
          executionProviders,
          // Folds the casts of half-precision weights. 'all' also blocks channels; a UNet takes 3-5 times as long to open then.
          graphOptimizationLevel: model.blocksChannels === true ? 'all' : 'basic',
          // Planning one block of memory for all results takes half as much again as the arena does without
          // (VAE decoder at 512x512: 1.95 GB against 1.28 GB), and the plan is for one size of picture only.
          enableMemPattern: false,
          executionMode: 'sequential',
          interOpNumThreads: 1,
          ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
          logSeverityLevel: 3,
          ...(inMemory.length === 0 ? {} : { externalData: inMemory }),
          extra: { session: { model_external_initializers_file_folder_path: root } },
        });
      const native = await createOn(runtime, options.provider ?? 'cpu', create, options.onNotice);
      return new Session(network, runtime, native);
    } catch (cause) {
      throw failure(network, 'could not be loaded', cause);
    }
  }

  /**
   * Runs the network and returns the named outputs. The native call blocks this thread until it is done.
   * @throws EngineError `non-finite` if an output has an infinite or undefined number, `out-of-memory`, `model-invalid`.
   */
  async run<Output extends string>(
    inputs: Record<string, Array32<Float32Array | Int32Array>>,
    outputs: readonly Output[],
  ): Promise<Record<Output, Array32>> {
    const native = this.#native;
    if (native === null) throw new Error(`The ${this.network} was used after it was disposed of.`);
    const { Tensor: Native } = this.#runtime;
    const feeds: Record<string, Tensor> = {};
    for (const [name, { data, dims }] of Object.entries(inputs)) {
      feeds[name] =
        data instanceof Int32Array ? new Native('int32', data, dims) : new Native('float32', data, dims);
    }
    const run = native.run(feeds, outputs);
    this.#running = Promise.allSettled([this.#running, run]);
    let results: InferenceSession.OnnxValueMapType;
    try {
      results = await run;
    } catch (cause) {
      throw failure(this.network, 'failed', cause);
    }
    const named = outputs.map((name): [Output, Array32] => {
      const { data, dims } = results[name] as Tensor & { data: Float32Array };
      this.#requireFinite(data);
      return [name, { data: takenOver(data), dims }];
    });
    return Object.fromEntries(named) as Record<Output, Array32>;
  }

  /** As `run`, for one output. */
  async runOne(inputs: Record<string, Array32<Float32Array | Int32Array>>, output: string): Promise<Array32> {
    const named = await this.run(inputs, [output]);
    return named[output] as Array32;
  }

  /** Waits for runs under way, then frees the native memory. */
  async dispose(): Promise<void> {
    const native = this.#native;
    this.#native = null;
    if (native === null) return;
    await this.#running;
    await native.release();
  }

  #requireFinite(data: Float32Array): void {
    const wrong = data.findIndex((value) => !Number.isFinite(value));
    if (wrong === -1) return;
    throw new EngineError('non-finite', `The ${this.network} produced invalid numbers (${data[wrong]}).`, {
      hint: 'The weights may be damaged, or the model cannot draw this size; try another size, seed or model.',
    });
  }
}

/**
 * An output, moved to a buffer of our own. onnxruntime-node 1.30 keeps the buffer of every output for ever, also when
 * nobody refers to it any more: 0.5 MB for a picture of 128x128, 6 MB for one of 512x512.
 */
function takenOver(data: Float32Array): Float32Array {
  const { buffer, byteOffset, length } = data;
  return new Float32Array(structuredClone(buffer, { transfer: [buffer as ArrayBuffer] }), byteOffset, length);
}

/** The inputs for the numbers that a model is given in each run, as they are now. */
export function liveInputs({ liveNumbers }: OnnxModel): Record<string, Array32> {
  return Object.fromEntries(
    liveNumbers.map(({ name, value }) => [name, { data: Float32Array.of(value), dims: [1] }]),
  );
}

/** What ONNX Runtime throws is text only. */
function failure(network: string, what: string, cause: unknown): EngineError {
  const said = cause instanceof Error ? cause.message : String(cause);
  if (
    /bad_alloc|bad allocation|failed to allocate|out of memory|cannot allocate memory|array buffer allocation/i.test(
      said,
    )
  ) {
    return new EngineError('out-of-memory', `There was not enough memory: the ${network} ${what}.`, {
      hint: 'Try a smaller picture, or close other programs.',
      cause,
    });
  }
  const withoutFolders = said.slice(0, 500).replace(/(?:[A-Za-z]:)?[\\/]?(?:[^\s"'\\/:]+[\\/])+/g, '');
  return new EngineError('model-invalid', `The ${network} ${what}: ${withoutFolders}`, {
    hint: 'The file may be damaged, or may be of a kind that is not supported yet.',
    cause,
  });
}
