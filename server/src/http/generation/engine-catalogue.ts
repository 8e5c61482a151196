import { samplers, schedules } from '@atelier/engine';
import type { Catalogue } from './catalogue.ts';

/** What the engine can draw with. */
export const engineCatalogue: Catalogue = {
  samplers: samplers.map(({ name, aliases, defaultScheduler, description }) => ({
    name,
    aliases: [...aliases],
    defaultScheduler,
    description,
  })),
  schedules: schedules.map(({ name, aliases, description }) => ({
    name,
    aliases: [...aliases],
    description,
  })),
};
