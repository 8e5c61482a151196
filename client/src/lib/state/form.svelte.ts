import { FALLBACK_SETTINGS, GenerationRequest } from '@atelier/contract';
import type { GenerationRequestInput, GenerationSettings, ModelView } from '@atelier/contract';
import type { Catalogue } from './catalogue.svelte.ts';
import { load, save } from './persisted.ts';

const KEY = 'atelier.txt2img';
export const RANDOM_SEED = -1;

/** Settings a model may have its own opinion on. */
export type Tunable = Pick<
  GenerationSettings,
  'sampler' | 'scheduler' | 'steps' | 'width' | 'height' | 'cfgScale'
>;

/**
 * The settings of the next job. What was not chosen by hand follows the chosen model, so switching models brings
 * each one's own size and steps along, and "reset" is forgetting the choices.
 */
export class GenerationForm {
  readonly #catalogue: Catalogue;
  #prompt = $state('');
  #negativePrompt = $state('');
  #modelName = $state<string | null>(null);
  #chosen = $state.raw<Partial<Tunable>>({});
  #seed = $state(RANDOM_SEED);
  #batchSize = $state(1);
  #batchCount = $state(1);
  #errors = $state.raw<Readonly<Record<string, string>>>({});

  readonly model: ModelView | null = $derived.by(() => this.#catalogue.usableOr(this.#modelName));
  /** What applies where nothing was chosen by hand. */
  readonly defaults: Tunable = $derived({ ...FALLBACK_SETTINGS, ...defined(this.model?.defaults ?? {}) });
  readonly tuned: Tunable = $derived({ ...this.defaults, ...this.#chosen });
  readonly isDefault = $derived(
    Object.keys(this.#chosen).length === 0 &&
      this.#seed === RANDOM_SEED &&
      this.#batchSize === 1 &&
      this.#batchCount === 1,
  );

  constructor(catalogue: Catalogue) {
    this.#catalogue = catalogue;
    const stored = GenerationRequest.safeParse(load(KEY));
    if (!stored.success) return;
    const { prompt, negativePrompt, model, seed, batchSize, batchCount, ...chosen } = stored.data;
    this.#prompt = prompt;
    this.#negativePrompt = negativePrompt;
    this.#modelName = model ?? null;
    this.#chosen = defined(chosen);
    this.#seed = seed;
    this.#batchSize = batchSize;
    this.#batchCount = batchCount;
  }

  get prompt(): string {
    return this.#prompt;
  }
  set prompt(value: string) {
    this.#prompt = value;
    this.#forgive('prompt');
  }

  get negativePrompt(): string {
    return this.#negativePrompt;
  }
  set negativePrompt(value: string) {
    this.#negativePrompt = value;
    this.#forgive('negativePrompt');
  }

  get seed(): number {
    return this.#seed;
  }
  set seed(value: number) {
    this.#seed = value;
    this.#forgive('seed');
  }

  get batchSize(): number {
    return this.#batchSize;
  }
  set batchSize(value: number) {
    this.#batchSize = value;
    this.#forgive('batchSize', 'batchCount');
  }

  get batchCount(): number {
    return this.#batchCount;
  }
  set batchCount(value: number) {
    this.#batchCount = value;
    this.#forgive('batchSize', 'batchCount');
  }

  /** What was wrong with a field at the last try, until it is changed. */
  get errors(): Readonly<Record<string, string>> {
    return this.#errors;
  }
  set errors(errors: Readonly<Record<string, string>>) {
    this.#errors = errors;
  }

  chooseModel(name: string): void {
    this.#modelName = name;
    this.#forgive('model');
  }

  /** Sets by hand. A value equal to the model's own counts as not chosen. */
  tune(values: Partial<Tunable>): void {
    const chosen = { ...this.#chosen, ...values };
    this.#chosen = Object.fromEntries(
      Object.entries(chosen).filter(([name, value]) => value !== this.defaults[name as keyof Tunable]),
    );
    this.#forgive(...Object.keys(values));
  }

  /** Back to what the model asks for. Prompts stay. */
  reset(): void {
    this.#chosen = {};
    this.#seed = RANDOM_SEED;
    this.#batchSize = 1;
    this.#batchCount = 1;
    this.#errors = {};
  }

  /** Takes over the settings of a picture or job; one picture of it is made again. */
  reuse({
    prompt,
    negativePrompt,
    model,
    seed,
    batchSize: _,
    batchCount: __,
    ...tuned
  }: GenerationSettings): void {
    this.#prompt = prompt;
    this.#negativePrompt = negativePrompt;
    this.#modelName = model;
    this.#seed = seed;
    this.#batchSize = 1;
    this.#batchCount = 1;
    this.#chosen = {};
    this.tune(tuned);
    this.#errors = {};
  }

  /** What the form shows, as a request with every setting stated. */
  request(): GenerationRequestInput {
    return {
      prompt: this.#prompt,
      negativePrompt: this.#negativePrompt,
      ...(this.model === null ? {} : { model: this.model.name }),
      ...this.tuned,
      seed: this.#seed,
      batchSize: this.#batchSize,
      batchCount: this.#batchCount,
    };
  }

  /** Remarks by field if the request would be refused; empty when it is fine. */
  check(): Record<string, string> {
    if (this.#prompt.trim() === '') {
      return {
        prompt: `Write what to draw, for example “${this.model?.samplePrompts[0] ?? 'a red apple'}”.`,
      };
    }
    if (this.model === null)
      return { model: 'There is no model to draw with. Put one into models/checkpoints.' };
    const result = GenerationRequest.safeParse(this.request());
    const remarks: Record<string, string> = {};
    for (const issue of result.error?.issues ?? []) remarks[String(issue.path[0] ?? '')] ??= issue.message;
    return remarks;
  }

  /** Keeps the form in this browser. Called from an effect, so it runs after each change. */
  store(): void {
    const { sampler, scheduler, steps, width, height, cfgScale } = this.#chosen;
    const request: GenerationRequestInput = {
      prompt: this.#prompt,
      negativePrompt: this.#negativePrompt,
      seed: this.#seed,
      batchSize: this.#batchSize,
      batchCount: this.#batchCount,
      ...defined({ model: this.#modelName ?? undefined, sampler, scheduler, steps, width, height, cfgScale }),
    };
    save(KEY, request);
  }

  #forgive(...names: string[]): void {
    if (!names.some((name) => name in this.#errors)) return;
    this.#errors = Object.fromEntries(Object.entries(this.#errors).filter(([name]) => !names.includes(name)));
  }
}

/** The object without its undefined values. */
function defined<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
