import type { ModelView } from '@atelier/contract';
import { existsSync } from 'node:fs';
import type { Config } from '../../../config/config.ts';
import { createEvents } from '../../../events.ts';
import { createLibrary } from '../../../library/create-library.ts';
import { createLog } from '../../../log.ts';
import type { Finding } from '../finding.ts';

/** Nothing is said of a folder that is not there: that is another check's part, and a library would make it. */
export async function checkModels(config: Config): Promise<Finding[]> {
  if (!existsSync(config.modelsDir)) return [];
  const library = createLibrary({ ...config, engine: 'real' }, createEvents(), createLog('silent'));
  try {
    return modelFindings(await library.list(), config.modelsDir);
  } finally {
    await library.close();
  }
}

export function modelFindings(models: readonly ModelView[], modelsDir: string): Finding[] {
  const usable = models.filter((model) => model.problem === null);
  const count: Finding =
    usable.length > 0
      ? { level: 'ok', subject: 'checkpoints', text: usable.map((model) => model.name).join(', ') }
      : {
          ...{
            level: 'fail',
            subject: 'checkpoints',
            text: `none that can be used in ${modelsDir}/checkpoints`,
          },
          advice:
            'Put a Stable Diffusion checkpoint there: a file such as .safetensors or .ckpt, or a folder.',
        };
  const broken = models.flatMap(({ fileName, problem }): Finding[] => {
    if (problem === null) return [];
    const advice = problem.hint === null ? {} : { advice: problem.hint };
    return [{ level: 'warn', subject: 'checkpoint', text: `${fileName}: ${problem.detail}`, ...advice }];
  });
  return [count, ...broken];
}
