import { FALLBACK_SETTINGS, GenerationRequest, GenerationSettings, LIMITS } from '@atelier/contract';
import { randomInt } from 'node:crypto';
import type { Library } from '../../library/library.ts';
import { fieldErrors, invalidRequest, read, type FieldError } from '../invalid-request.ts';
import { byName, type Catalogue } from './catalogue.ts';

interface Sources {
  library: Library;
  catalogue: Catalogue;
  /** Draws a seed where the request leaves it open. */
  drawSeed?: () => number;
}

/**
 * Turns a request as it came into settings with nothing left open: its own values, else the model's, else the
 * fallbacks. Sampler and schedule get their canonical names.
 * @throws AppError `invalid-request` naming every wrong field; `model-not-found`, `model-invalid`.
 */
export async function resolveSettings(body: unknown, sources: Sources): Promise<GenerationSettings> {
  const { library, catalogue, drawSeed = () => randomInt(LIMITS.seed.max + 1) } = sources;
  const request = readRequest(body, catalogue);
  const { view } = await library.resolve(request.model);
  const filled = { ...FALLBACK_SETTINGS, ...given(view.defaults), ...request };
  return read(GenerationSettings, {
    ...filled,
    model: view.name,
    sampler: byName(catalogue.samplers, filled.sampler)?.name ?? FALLBACK_SETTINGS.sampler,
    scheduler: byName(catalogue.schedules, filled.scheduler)?.name ?? FALLBACK_SETTINGS.scheduler,
    seed: request.seed === -1 ? drawSeed() : request.seed,
  });
}

/** A request that fits its schema, with names that exist where it gives them. */
function readRequest(body: unknown, { samplers, schedules }: Catalogue): Given<GenerationRequest> {
  const result = GenerationRequest.safeParse(body);
  const names = (typeof body === 'object' && body !== null ? body : {}) as {
    sampler?: unknown;
    scheduler?: unknown;
  };
  const errors = [
    ...(result.success ? [] : fieldErrors(result.error, body)),
    ...unknownName('/sampler', names.sampler, samplers),
    ...unknownName('/scheduler', names.scheduler, schedules),
  ];
  if (!result.success || errors.length > 0) throw invalidRequest(errors);
  return given(result.data);
}

function unknownName(
  pointer: string,
  name: unknown,
  entries: readonly { name: string; aliases: readonly string[] }[],
): FieldError[] {
  if (typeof name !== 'string' || name.length === 0 || name.length > 100) return []; // the schema has said so
  if (byName(entries, name) !== undefined) return [];
  const choices = entries.map((entry) => entry.name).join(', ');
  return [{ pointer, detail: `must be one of ${choices}, but ${JSON.stringify(name)} came` }];
}

type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Left-out fields must not hide the defaults that they are spread over. */
function given<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;
}
