import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { z } from 'zod';
import { isLoopback } from './addresses.ts';
import { checkoutRoot } from './checkout.ts';
import type { Config } from './config.ts';
import { startOptions, variableOf, type Option } from './options.ts';

/** What was given at start cannot be used. The message is one sentence that says what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

type Environment = Readonly<Record<string, string | undefined>>;
type Values<T> = { [K in keyof T]: T[K] extends Option<infer V> ? V : never };

/**
 * Reads flags and ATELIER_* variables; a flag wins over its variable.
 * @throws ConfigError at the first thing that is wrong.
 */
export function readConfig(argv: readonly string[], env: Environment, root = checkoutRoot()): Config {
  const options = startOptions(root);
  const flags = readFlags(argv, Object.values(options));
  const values = readValues(options, flags, env);
  const config = toConfig(values, root);
  refuseOpenNetwork(config);
  return config;
}

/** True if a flag asks for `--help` or `--version` instead of a server. */
export const asksFor = (flag: 'help' | 'version', argv: readonly string[]): boolean => {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes(`--${flag}`);
};

function readFlags(argv: readonly string[], options: readonly Option<unknown>[]): Map<string, string> {
  const known = Object.fromEntries(
    options.map(({ flag, value, isRepeatable }) => [
      flag,
      { type: value === null ? ('boolean' as const) : ('string' as const), multiple: isRepeatable ?? false },
    ]),
  );
  try {
    const { values } = parseArgs({ args: [...argv], options: known, strict: true, allowPositionals: false });
    return new Map(Object.entries(values).map(([flag, value]) => [flag, asText(value)]));
  } catch (error) {
    const reason = error instanceof Error ? error.message.split(/\.?\n|\. /)[0] : String(error);
    throw new ConfigError(`${reason}: see --help.`, { cause: error });
  }
}

const asText = (value: unknown): string => (Array.isArray(value) ? value.join(',') : String(value));

function readValues<T extends Record<string, Option<unknown>>>(
  options: T,
  flags: ReadonlyMap<string, string>,
  env: Environment,
): Values<T> {
  const entries = Object.entries(options).map(([name, option]) => {
    const { flag } = option;
    const fromFlag = flags.get(flag);
    const variable = variableOf(flag);
    // An empty variable means the default, so that `ATELIER_HOST=` in a file of settings does no harm.
    const text = fromFlag ?? (env[variable] === '' ? undefined : env[variable]);
    return [name, readValue(option.read, text, fromFlag === undefined ? variable : `--${flag}`)];
  });
  return Object.fromEntries(entries) as Values<T>;
}

function readValue(
  read: z.ZodType<unknown, string | undefined>,
  text: string | undefined,
  label: string,
): unknown {
  const result = read.safeParse(text);
  if (result.success) return result.data;
  throw new ConfigError(
    `${label} ${result.error.issues[0]?.message ?? 'is wrong'}, but "${text}" was given.`,
  );
}

function toConfig(values: Values<ReturnType<typeof startOptions>>, root: string): Config {
  const clientDir = join(root, 'client', 'dist');
  return {
    host: values.host,
    port: values.port,
    modelsDir: values.models,
    outputsDir: values.outputs,
    dataDir: values.data,
    clientDir: existsSync(join(clientDir, 'index.html')) ? clientDir : null,
    allowedHosts: values.allowedHost,
    insecureOpen: values.insecureOpen,
    engine: values.engine,
    fake: { stepMs: values.fakeStepMs, allowFailures: values.fakeFailures },
    threads: values.threads === 0 ? null : values.threads,
    provider: values.provider,
    optimise: values.optimise,
    modelMemoryBytes: values.modelMemoryMib === 0 ? null : values.modelMemoryMib * 2 ** 20,
    watchdog: { stepMs: values.watchdogStepMs, loadMs: values.watchdogLoadMs, jobMs: values.watchdogJobMs },
    limits: {
      queuedPerUser: values.queuedPerUser,
      queuedTotal: values.queuedTotal,
      minFreeBytes: values.minFreeMib * 2 ** 20,
      attempts: values.attempts,
    },
    stopGraceMs: values.stopGraceMs,
    logLevel: values.logLevel,
  };
}

function refuseOpenNetwork({ host, insecureOpen }: Config): void {
  if (isLoopback(host) || insecureOpen) return;
  throw new ConfigError(
    `--host ${host} would let everyone on the network in, for there is no login yet: ` +
      'use 127.0.0.1, or add --insecure-open if you trust all who can reach it.',
  );
}
