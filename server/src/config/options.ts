import { OPTIMISE, PROVIDERS } from '@atelier/engine';
import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';

/** One thing that can be set at start: a flag, its ATELIER_* variable, how its text is read, and what it means. */
export interface Option<T> {
  /** Name without `--`. The variable is the same in capitals, e.g. `ATELIER_LOG_LEVEL`. */
  flag: string;
  /** What stands after the flag in the help; null for a switch. */
  value: string | null;
  /** A flag that may be given several times; in the variable, separated by commas. */
  isRepeatable?: boolean;
  about: string;
  /** Its default as the help and .env.example show it. */
  shownDefault: string;
  read: z.ZodType<T, string | undefined>;
}

const whole = (min: number, max: number): z.ZodType<number, string> =>
  z
    .string()
    .regex(/^\d{1,15}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));

const wholeOr = (fallback: number, min: number, max: number): z.ZodType<number, string | undefined> =>
  whole(min, max).prefault(String(fallback));

const folder = (fallback: string): z.ZodType<string, string | undefined> =>
  z
    .string()
    .min(1, 'must name a folder')
    .refine((path) => !path.includes('\0'), 'must not hold a NUL character')
    .prefault(fallback)
    .transform((path) => (isAbsolute(path) ? path : resolve(path)));

const TRUE = ['1', 'true', 'yes', 'on'];
const FALSE = ['0', 'false', 'no', 'off', ''];
const onOff: z.ZodType<boolean, string | undefined> = z
  .string()
  .toLowerCase()
  .refine((text) => TRUE.includes(text) || FALSE.includes(text), 'must be 1 or 0')
  .prefault('0')
  .transform((text) => TRUE.includes(text));

const HOST_NAME = /^(\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?)(:\d{1,5})?$/i;
const hostNames: z.ZodType<string[], string | undefined> = z
  .string()
  .prefault('')
  .transform((text) =>
    text
      .split(',')
      .map((name) => name.trim().toLowerCase())
      .filter((name) => name !== ''),
  )
  .pipe(
    z.array(
      z
        .string()
        .regex(HOST_NAME, 'must be host names, optionally with a port, e.g. studio.lan or studio.lan:8080'),
    ),
  );

/** All start options, in the order of the help. `root` is the checkout, below which the default folders lie. */
// eslint-disable-next-line @typescript-eslint/explicit-module-boundary-types -- the type is the table itself
export function startOptions(root: string) {
  return {
    host: option({
      flag: 'host',
      value: 'ADDRESS',
      about: 'Address to listen on.',
      shownDefault: '127.0.0.1',
      read: z.string().trim().min(1, 'must be an address, e.g. 127.0.0.1').prefault('127.0.0.1'),
    }),
    port: option({
      flag: 'port',
      value: 'NUMBER',
      about: 'Port to listen on; 0 picks a free one.',
      shownDefault: '7860',
      read: wholeOr(7860, 0, 65_535),
    }),
    models: option({
      flag: 'models',
      value: 'FOLDER',
      about: 'Where models lie, in checkpoints/, loras/ and so on.',
      shownDefault: 'models',
      read: folder(resolve(root, 'models')),
    }),
    outputs: option({
      flag: 'outputs',
      value: 'FOLDER',
      about: 'Where pictures go.',
      shownDefault: 'outputs',
      read: folder(resolve(root, 'outputs')),
    }),
    data: option({
      flag: 'data',
      value: 'FOLDER',
      about: 'Where the database and caches lie.',
      shownDefault: 'data',
      read: folder(resolve(root, 'data')),
    }),
    threads: option({
      flag: 'threads',
      value: 'NUMBER',
      about: 'CPU threads for drawing; 0 lets the engine choose.',
      shownDefault: '0',
      read: wholeOr(0, 0, 1024),
    }),
    provider: option({
      flag: 'provider',
      value: 'WHERE',
      about: `Where to draw: ${PROVIDERS.join(', ')}; else the CPU.`,
      shownDefault: 'cpu',
      read: z.enum(PROVIDERS, `must be one of ${PROVIDERS.join(', ')}`).prefault('cpu'),
    }),
    optimise: option({
      flag: 'optimise',
      value: 'WHAT',
      about: 'opening: models are ready soon; drawing: ready later, and every step is faster.',
      shownDefault: 'opening',
      read: z.enum(OPTIMISE, `must be ${OPTIMISE.join(' or ')}`).prefault('opening'),
    }),
    modelMemoryMib: option({
      flag: 'model-memory-mib',
      value: 'NUMBER',
      about: 'Memory for models kept open, in MiB; 0 takes 60 % of what is free at the start.',
      shownDefault: '0',
      read: wholeOr(0, 0, 2 ** 30),
    }),
    allowedHost: option({
      flag: 'allowed-host',
      value: 'NAME[:PORT]',
      isRepeatable: true,
      about: 'A further name by which browsers may reach the server. May be repeated.',
      shownDefault: '',
      read: hostNames,
    }),
    insecureOpen: option({
      flag: 'insecure-open',
      value: null,
      about: 'Let everyone who can reach --host in: there is no login yet.',
      shownDefault: '0',
      read: onOff,
    }),
    logLevel: option({
      flag: 'log-level',
      value: 'LEVEL',
      about: 'debug, info, warn, error or silent. Prompts are written at debug only.',
      shownDefault: 'info',
      read: z
        .enum(['debug', 'info', 'warn', 'error', 'silent'], 'must be debug, info, warn, error or silent')
        .prefault('info'),
    }),
    queuedPerUser: option({
      flag: 'queued-per-user',
      value: 'NUMBER',
      about: 'Jobs that one person may have waiting.',
      shownDefault: '100',
      read: wholeOr(100, 1, 100_000),
    }),
    queuedTotal: option({
      flag: 'queued-total',
      value: 'NUMBER',
      about: 'Jobs that may wait in all.',
      shownDefault: '1000',
      read: wholeOr(1000, 1, 1_000_000),
    }),
    minFreeMib: option({
      flag: 'min-free-mib',
      value: 'MIB',
      about: 'Below this much free disk space new jobs are refused.',
      shownDefault: '1024',
      read: wholeOr(1024, 0, 1e9),
    }),
    attempts: option({
      flag: 'attempts',
      value: 'NUMBER',
      about: 'How often a job that kills its drawing process is tried.',
      shownDefault: '3',
      read: wholeOr(3, 1, 10),
    }),
    watchdogStepMs: option({
      flag: 'watchdog-step-ms',
      value: 'MS',
      about: 'Longest time for one step before the drawing process is replaced.',
      shownDefault: '120000',
      read: wholeOr(120_000, 100, 1e9),
    }),
    watchdogLoadMs: option({
      flag: 'watchdog-load-ms',
      value: 'MS',
      about: 'Longest time for loading a model.',
      shownDefault: '600000',
      read: wholeOr(600_000, 100, 1e9),
    }),
    watchdogJobMs: option({
      flag: 'watchdog-job-ms',
      value: 'MS',
      about: 'Longest time for a whole job.',
      shownDefault: '3600000',
      read: wholeOr(3_600_000, 100, 1e9),
    }),
    stopGraceMs: option({
      flag: 'stop-grace-ms',
      value: 'MS',
      about: 'How long the picture in work may go on when the server is stopped.',
      shownDefault: '30000',
      read: wholeOr(30_000, 0, 30_000),
    }),
    engine: option({
      flag: 'engine',
      value: 'KIND',
      about: 'real, or fake: deterministic test pictures without weights.',
      shownDefault: 'real',
      read: z.enum(['real', 'fake'], 'must be real or fake').prefault('real'),
    }),
    fakeStepMs: option({
      flag: 'fake-step-ms',
      value: 'MS',
      about: 'Time of one step of the fake engine.',
      shownDefault: '50',
      read: wholeOr(50, 0, 600_000),
    }),
    fakeFailures: option({
      flag: 'fake-failures',
      value: null,
      about: 'Let prompts script failures of the fake engine. For tests only.',
      shownDefault: '0',
      read: onOff,
    }),
  };
}

function option<T>(facts: Option<T>): Option<T> {
  return facts;
}

/** The environment variable of a flag. */
export const variableOf = (flag: string): string => `ATELIER_${flag.toUpperCase().replaceAll('-', '_')}`;
