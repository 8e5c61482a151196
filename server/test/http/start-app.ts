import { createApp, type AppServices } from '../../src/http/app.ts';
import { createAllowedHosts } from '../../src/http/boundary/allowed-hosts.ts';
import type { Catalogue } from '../../src/http/generation/catalogue.ts';
import { closeServer, listen, urlOf } from '../../src/http/listen.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { healthy, MemoryGallery, MemoryLibrary, MemoryQueue, silent } from './fakes.ts';

const host = '127.0.0.1';

export const catalogue: Catalogue = {
  samplers: [
    { name: 'Euler a', aliases: ['k_euler_a'], defaultScheduler: 'Uniform', description: '' },
    { name: 'DPM++ 2M', aliases: ['dpmpp_2m'], defaultScheduler: 'Karras', description: '' },
  ],
  schedules: [
    { name: 'Automatic', aliases: [], description: '' },
    { name: 'Karras', aliases: [], description: '' },
  ],
};

export interface StartedApp extends Omit<AppServices, 'queue' | 'gallery'> {
  base: string;
  port: number;
  queue: MemoryQueue;
  gallery: MemoryGallery;
  close(): Promise<void>;
}

/** The real application over services in memory, on a free port. */
export async function startApp(services: Partial<AppServices> = {}): Promise<StartedApp> {
  const all = {
    queue: new MemoryQueue(),
    gallery: new MemoryGallery(),
    library: new MemoryLibrary({ name: 'atelier-starter', defaults: { width: 128, height: 128, steps: 12 } }),
    catalogue,
    health: () => Promise.resolve(healthy),
    hosts: createAllowedHosts({ host, allowedHosts: ['studio.example', 'other.example:8443'] }),
    log: silent,
    clientDir: null,
    version: '0.0.0-test',
    ...services,
  };
  const server = createHttpServer(createApp(all));
  const port = await listen(server, { host, port: 0 });
  return { ...all, base: urlOf({ host, port }), port, close: () => closeServer(server, 0) } as StartedApp;
}
