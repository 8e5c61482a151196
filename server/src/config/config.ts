import type { Optimise, Provider } from '@atelier/engine';

/** Everything that can be set at start, by flag or ATELIER_* variable. Built once by `readConfig`, then passed on. */
export interface Config {
  host: string;
  /** 0 picks a free port. */
  port: number;
  modelsDir: string;
  outputsDir: string;
  dataDir: string;
  /** Folder of the built client; null serves the API only. */
  clientDir: string | null;
  /** Names besides the loopback ones that the Host header may carry. */
  allowedHosts: readonly string[];
  /** Serve a non-loopback address although there is no login. Must be asked for. */
  insecureOpen: boolean;
  /** `real` draws; `fake` is deterministic, needs no weights, and is for testing the server's promises. */
  engine: 'real' | 'fake';
  fake: {
    stepMs: number;
    /** Lets a prompt script failures: `!crash`, `!hang`, `!exit`, `!junk`, `!alloc`, optionally `!crash@step`. */
    allowFailures: boolean;
  };
  threads: number | null;
  /** Where networks run. */
  provider: Provider;
  /** What UNets are prepared for: being ready soon, or drawing faster afterwards. */
  optimise: Optimise;
  /** For weights of models that are kept open; null leaves it to the worker, by what the machine has. */
  modelMemoryBytes: number | null;
  watchdog: { stepMs: number; loadMs: number; jobMs: number };
  limits: {
    queuedPerUser: number;
    queuedTotal: number;
    /** Below this much free space new jobs are refused. */
    minFreeBytes: number;
    attempts: number;
  };
  /** How long the picture in work may go on after SIGTERM. */
  stopGraceMs: number;
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}
