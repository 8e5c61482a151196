import { FALLBACK_SETTINGS } from '@atelier/contract';
import type { SamplerView, SchedulerView } from '@atelier/contract';

interface Option {
  value: string;
  label: string;
}

/** The samplers there are, and the chosen one even while the list is not here yet. */
export function samplerOptions(samplers: readonly SamplerView[], chosen: string): Option[] {
  return withChosen(
    samplers.map(({ name }) => ({ value: name, label: name })),
    chosen,
  );
}

/** The schedules, led by `Automatic`, which says what it means for the chosen sampler. */
export function scheduleOptions(
  schedules: readonly SchedulerView[],
  samplers: readonly SamplerView[],
  { sampler, scheduler }: { sampler: string; scheduler: string },
): Option[] {
  const automatic = FALLBACK_SETTINGS.scheduler;
  const meaning = samplers.find(({ name }) => name === sampler)?.defaultScheduler ?? automatic;
  const named = schedules.map(({ name }) => name).filter((name) => name !== automatic);
  return withChosen(
    [
      { value: automatic, label: meaning === automatic ? automatic : `Auto: ${meaning}` },
      ...named.map((name) => ({ value: name, label: name })),
    ],
    scheduler,
  );
}

function withChosen(options: Option[], chosen: string): Option[] {
  return options.some(({ value }) => value === chosen)
    ? options
    : [...options, { value: chosen, label: chosen }];
}
