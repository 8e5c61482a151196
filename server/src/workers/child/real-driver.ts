import {
  availableMemory,
  EngineError,
  openCheckpoint,
  samplers,
  SessionCache,
  textToImage,
  type DiffusionModel,
  type OpenOptions,
  type Optimise,
  type Provider,
  type TinyAutoencoder,
} from '@atelier/engine';
import type { GenerationSettings } from '@atelier/contract';
import { stat } from 'node:fs/promises';
import { identityOf, modelFolder } from '../../library/model-folder.ts';
import type { DriverEvent, DriverRequest, EngineDriver } from './driver.ts';
import { openPreviewDecoder } from './preview-decoder.ts';

/** What webui's generation text calls the schedule of a sampler that has none of its own. */
const AUTOMATIC = 'Automatic';
/** The schedule that samplers have where nothing better is known for them. */
const PLAIN = 'Uniform';

export interface DrawingOptions {
  threads: number | null;
  provider?: Provider;
  optimise?: Optimise;
  /** For weights of models that are kept open; null, the default, takes a part of what the machine has free. */
  modelMemoryBytes?: number | null;
  /** Folder of small decoders for previews; need not be there. */
  previewDecodersDir?: string;
}

interface OpenModel {
  identity: string;
  model: DiffusionModel;
  taesd: TinyAutoencoder | undefined;
  /** All networks have been loaded. */
  isLoaded: boolean;
}

/** Of the memory that is free at the start, for models that are kept open; the rest is for drawing. */
const MODEL_MEMORY_SHARE = 0.6;

/**
 * Draws with the engine. Keeps models open while there is memory for them, so that going back to one costs nothing, and
 * opens a model again when its file has changed.
 */
export function realDriver(options: DrawingOptions): EngineDriver {
  const { threads, provider, optimise, previewDecodersDir } = options;
  let cache: Promise<SessionCache> | undefined;
  let open: OpenModel | undefined;

  async function engineOptions(): Promise<OpenOptions> {
    cache ??= openCache(options.modelMemoryBytes ?? null);
    return {
      cache: await cache,
      ...(threads === null ? {} : { threads }),
      ...(optimise === undefined ? {} : { optimise }),
      ...(provider === undefined ? {} : { provider, onNotice: (text) => process.stderr.write(`${text}\n`) }),
    };
  }

  async function close(): Promise<void> {
    const closing = open;
    open = undefined;
    await Promise.all([closing?.model.dispose(), closing?.taesd?.dispose()]);
  }

  async function modelAt(path: string): Promise<OpenModel> {
    const identity = await identify(path);
    if (open?.identity === identity) return open;
    await close();
    const engine = await engineOptions();
    const model = await openCheckpoint(path, engine);
    const taesd = await openPreviewDecoder(previewDecodersDir, path, model, engine);
    open = { identity, model, taesd, isLoaded: false };
    return open;
  }

  return {
    scheduleLabel,
    async *draw({ settings, seed, modelPath, signal }: DriverRequest): AsyncGenerator<DriverEvent, void> {
      try {
        const opened = await modelAt(modelPath);
        const { prompt, negativePrompt, width, height, steps, cfgScale, sampler, scheduler } = settings;
        const request = { prompt, negativePrompt, width, height, steps, cfgScale, sampler, scheduler, seed };
        const taesd = opened.taesd === undefined ? {} : { taesd: opened.taesd };
        for await (const event of textToImage(opened.model, request, { signal, ...taesd })) {
          // The engine names its networks each time; only the first time is there anything to wait for.
          if (event.type === 'conditioned') opened.isLoaded = true;
          if (event.type !== 'loading' || !opened.isLoaded) yield event;
        }
      } catch (error) {
        if (error instanceof EngineError && LOSES_MODEL.has(error.code)) {
          await close();
          await (await cache)?.dispose();
        }
        throw error;
      }
    },
  };
}

async function openCache(bytes: number | null): Promise<SessionCache> {
  return new SessionCache(bytes ?? MODEL_MEMORY_SHARE * (await availableMemory()));
}

/** After these the model is opened anew: to have its memory back, or because its file is another. */
const LOSES_MODEL = new Set<EngineError['code']>(['out-of-memory', 'model-changed', 'model-invalid']);

/** Whether it is still the same file, or the same files of a folder; what is gone is left to the engine to explain. */
async function identify(path: string): Promise<string> {
  try {
    const folder = await modelFolder(path, path);
    return `${path} ${folder?.file.identity ?? identityOf(await stat(path, { bigint: true }))}`;
  } catch {
    return 'gone';
  }
}

function scheduleLabel({ sampler, scheduler }: GenerationSettings): string {
  if (scheduler !== AUTOMATIC) return scheduler;
  const own = samplers.find(({ name }) => name === sampler)?.defaultScheduler ?? PLAIN;
  return own === PLAIN ? AUTOMATIC : own;
}
