import { GenerationRequest, type ModelDefaults, type ModelProblem, type ModelView } from '@atelier/contract';
import { posix } from 'node:path';
import type { FoundFile } from './found-file.ts';
import type { InspectedCard } from './inspector/messages.ts';

/** Lengths to which foreign text is cut. */
const TITLE_LENGTH = 200;
const TEXT_LENGTH = 4_000;
const PROMPT_LENGTH = 500;
const MAX_PROMPTS = 20;

/** What is known of a file, as the API shows it. */
export function modelView(
  file: FoundFile,
  found: { card: InspectedCard } | { problem: ModelProblem },
  sha256: string | undefined,
): ModelView {
  const card = 'card' in found ? found.card : null;
  return {
    name: file.name,
    fileName: file.fileName,
    title: cut(card?.title, TITLE_LENGTH) ?? posix.basename(file.name),
    family: card?.family ?? null,
    sizeBytes: file.sizeBytes,
    shortHash: sha256?.slice(0, 10) ?? null,
    description: cut(card?.description, TEXT_LENGTH),
    usageHint: cut(card?.usageHint, TEXT_LENGTH),
    licence: cut(card?.licence, TITLE_LENGTH),
    samplePrompts: (card?.samplePrompts ?? [])
      .slice(0, MAX_PROMPTS)
      .map((prompt) => prompt.slice(0, PROMPT_LENGTH)),
    defaults: usableDefaults(card?.defaults ?? {}),
    problem: 'problem' in found ? found.problem : null,
  };
}

const cut = (text: string | null | undefined, length: number): string | null =>
  text === null || text === undefined || text.trim() === '' ? null : text.trim().slice(0, length);

/** Of the settings a file asks for, those that a request could ask for too. */
function usableDefaults(wishes: Readonly<Record<string, unknown>>): ModelDefaults {
  const { sampler, scheduler, steps, cfgScale, width, height } = GenerationRequest.shape;
  const schemas = { sampler, scheduler, steps, cfgScale, width, height };
  const usable = Object.entries(schemas).flatMap(([name, schema]) => {
    const result = schema.safeParse(Object.hasOwn(wishes, name) ? wishes[name] : undefined);
    return result.success && result.data !== undefined ? [[name, result.data] as const] : [];
  });
  return Object.fromEntries(usable);
}
