import type { SamplerView, SchedulerView } from '@atelier/contract';

/** The samplers and schedules that the engine has. */
export interface Catalogue {
  samplers: readonly SamplerView[];
  schedules: readonly SchedulerView[];
}

/** The entry with this name or alias, in any case. */
export function byName<T extends { name: string; aliases: readonly string[] }>(
  entries: readonly T[],
  name: string,
): T | undefined {
  const wanted = name.trim().toLowerCase();
  return entries.find((entry) =>
    [entry.name, ...entry.aliases].some((known) => known.toLowerCase() === wanted),
  );
}
