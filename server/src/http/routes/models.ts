import { ModelList, SamplerList, SchedulerList } from '@atelier/contract';
import type { Library } from '../../library/library.ts';
import type { Catalogue } from '../generation/catalogue.ts';
import type { Route } from '../route.ts';

export function modelRoutes({ library, catalogue }: { library: Library; catalogue: Catalogue }): Route[] {
  return [
    {
      method: 'get',
      path: '/models',
      tag: 'Models',
      summary: 'List checkpoints',
      description:
        'Everything in models/checkpoints. A file that cannot be used is listed with its `problem`.',
      answers: { 200: { description: 'All checkpoints, by name.', schema: ModelList } },
      problems: [],
      async handle(_req, res) {
        res.json({ models: await library.list() });
      },
    },
    {
      method: 'get',
      path: '/samplers',
      tag: 'Models',
      summary: 'List samplers',
      answers: { 200: { description: 'All samplers.', schema: SamplerList } },
      problems: [],
      handle(_req, res) {
        res.json({ samplers: catalogue.samplers });
      },
    },
    {
      method: 'get',
      path: '/schedules',
      tag: 'Models',
      summary: 'List schedules',
      answers: { 200: { description: 'All schedules of noise.', schema: SchedulerList } },
      problems: [],
      handle(_req, res) {
        res.json({ schedules: catalogue.schedules });
      },
    },
  ];
}
