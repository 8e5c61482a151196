import type { GenerationSettings } from '@atelier/contract';
import { readConfig } from '../../config/read-config.ts';
import { createEvents } from '../../events.ts';
import { engineCatalogue } from '../../http/generation/engine-catalogue.ts';
import { resolveSettings } from '../../http/generation/resolve-settings.ts';
import { createLibrary } from '../../library/create-library.ts';
import { startInspector } from '../../library/inspector/inspector.ts';
import type { Library } from '../../library/library.ts';
import { createLog } from '../../log.ts';
import { oneFileLibrary } from './one-file-library.ts';
import type { GenerateArguments } from './read-arguments.ts';

/** What drawing needs besides the engine: the models, and the rules by which a request is completed. */
export interface Studio {
  /** @throws AppError naming every wrong field, or the models there are. */
  settle(request: GenerateArguments['request']): Promise<{ settings: GenerationSettings; modelPath: string }>;
  modelHash(name: string): Promise<string | null>;
  close(): Promise<void>;
}

export async function openStudio({ modelsDir, request }: GenerateArguments): Promise<Studio> {
  const config = readConfig(modelsDir === null ? [] : ['--models', modelsDir], process.env);
  const log = createLog('silent');
  const asked = request['model'];
  const inspector = startInspector(log);
  const oneFile = typeof asked === 'string' ? await oneFileLibrary(asked, inspector) : null;
  const library: Library =
    oneFile ?? createLibrary({ ...config, engine: 'real' }, createEvents(), log, inspector);
  return {
    async settle(request) {
      const settings = await resolveSettings(request, { library, catalogue: engineCatalogue });
      const { path } = await library.resolve(settings.model);
      return { settings, modelPath: path };
    },
    modelHash: (name) => library.shortHash(name),
    close: () => library.close(),
  };
}
