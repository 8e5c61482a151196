import { samplerEntries } from '../diffusion/samplers/index.ts';
import { scheduleEntries } from '../diffusion/schedules/index.ts';

/** A sampler as people choose it. */
export interface SamplerInfo {
  readonly name: string;
  /** Other names for it; names and aliases are looked up in any case. */
  readonly aliases: readonly string[];
  /** Name of the schedule that `Automatic` means for it. */
  readonly defaultScheduler: string;
  readonly description: string;
}

/** A schedule as people choose it. */
export interface ScheduleInfo {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly description: string;
}

/** The schedule name that leaves the choice to the sampler. */
export const AUTOMATIC: ScheduleInfo = {
  name: 'Automatic',
  aliases: [],
  description: 'What suits the sampler.',
};

/** Samplers that `textToImage` knows, the most useful first. */
export const samplers: readonly SamplerInfo[] = samplerEntries.map(
  ({ name, aliases, defaultScheduler, description }) => ({ name, aliases, defaultScheduler, description }),
);

/** Schedules that `textToImage` knows, `Automatic` first. */
export const schedules: readonly ScheduleInfo[] = [
  AUTOMATIC,
  ...scheduleEntries.map(({ name, aliases, description }) => ({ name, aliases, description })),
];

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
