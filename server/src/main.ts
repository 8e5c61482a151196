import type { RequestListener } from 'node:http';
import type { Config } from './config/config.ts';
import { readVersion } from './config/checkout.ts';
import { prepareFolder } from './config/prepare-folder.ts';
import { createEvents } from './events.ts';
import { createGallery } from './gallery/create-gallery.ts';
import { createApp } from './http/app.ts';
import { createAllowedHosts } from './http/boundary/allowed-hosts.ts';
import { engineCatalogue } from './http/generation/engine-catalogue.ts';
import { createHealth } from './http/health.ts';
import { closeServer, listen, urlOf } from './http/listen.ts';
import { createHttpServer } from './http/server.ts';
import { createWaitingApp } from './http/waiting-app.ts';
import { createLibrary } from './library/create-library.ts';
import { createLog, type Log } from './log.ts';
import { createQueue } from './queue/create-queue.ts';
import { attachRealtime } from './realtime/realtime.ts';
import { openStorage } from './storage/open-storage.ts';
import { createSupervisor } from './workers/supervisor.ts';

export interface RunningServer {
  /** Where a browser on this machine finds it, e.g. `http://127.0.0.1:7860`. */
  url: string;
  /** Stops cleanly: the picture in work may be finished within the configured grace. Safe to call again. */
  close(): Promise<void>;
}

/** Time for answers under way when the server stops. */
const CLOSE_GRACE_MS = 1_000;

/**
 * Builds and connects everything, and listens. The port is taken first, so that a second server on it touches nothing.
 * @throws StartError, or AppError of the storage: the message says what to do.
 */
export async function startServer(
  config: Config,
  log: Log = createLog(config.logLevel),
): Promise<RunningServer> {
  const { outputsDir, dataDir, clientDir, stopGraceMs, limits } = config;
  const version = readVersion();
  const hosts = createAllowedHosts(config);
  let listener: RequestListener = createWaitingApp({ hosts, log });
  const http = createHttpServer((req, res) => listener(req, res));
  const port = await listen(http, config);
  const closers: (() => Promise<void>)[] = [];
  let isStopping = false;

  const closeAll = async (): Promise<void> => {
    isStopping = true;
    for (const close of closers.reverse()) {
      await close().catch((error: unknown) =>
        log.error('A part of the server did not stop cleanly.', { error }),
      );
    }
  };

  try {
    await prepareFolder(outputsDir, 'outputs');
    await prepareFolder(dataDir, 'data');
    const events = createEvents();
    const storage = await openStorage(dataDir, log);
    closers.push(() => storage.close());
    const gallery = createGallery({ storage, events, log, outputsDir });
    closers.push(() => gallery.close());
    const library = createLibrary(config, events, log);
    closers.push(() => library.close());
    closers.push(() => closeServer(http, CLOSE_GRACE_MS));
    const worker = createSupervisor({ config, log });
    const queue = createQueue({ storage, gallery, worker, library, events, config, version, log });
    const realtime = attachRealtime(http, { queue, events, hosts, log });
    closers.push(() => realtime.close());
    await gallery.start();
    worker.start();
    closers.push(() => worker.stop());
    await queue.start();
    closers.push(() => queue.stop(stopGraceMs));

    const health = createHealth({
      queue,
      worker,
      folders: [outputsDir, dataDir],
      minFreeBytes: limits.minFreeBytes,
      version,
      warnings: () => warningsOf(config),
      isStopping: () => isStopping,
    });
    const catalogue = engineCatalogue;
    listener = createApp({ queue, gallery, library, catalogue, health, hosts, log, clientDir, version });
  } catch (error) {
    closers.unshift(() => closeServer(http, 0)); // whoever else has not closed it yet
    await closeAll();
    throw error;
  }

  let closing: Promise<void> | null = null;
  return {
    url: urlOf({ host: config.host, port }),
    close: () => (closing ??= closeAll()),
  };
}

const warningsOf = ({ insecureOpen, engine }: Config): string[] => [
  ...(insecureOpen ? ['Everyone who can reach this server may use it: there is no login yet.'] : []),
  ...(engine === 'fake' ? ['The fake engine is running: it draws test pictures.'] : []),
];
