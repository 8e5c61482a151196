import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkoutRoot, readVersion } from './config/checkout.ts';
import { helpText } from './config/help.ts';
import { asksFor, ConfigError, readConfig } from './config/read-config.ts';
import { AppError, StartError } from './errors.ts';
import { createLog, type Log } from './log.ts';
import { startServer, type RunningServer } from './main.ts';

/*
 * `npm start` ends here: reads flags and variables, serves, and stops on SIGTERM or SIGINT. Exit codes: 0 stopped
 * cleanly, 1 could not start or stop, 2 wrong options, 70 an error of the program itself.
 */

/** One press of Ctrl+C may arrive twice: from the terminal, and passed on by npm. */
const SAME_KEYPRESS_MS = 100;
/** Longest time for a stop; what is left undone then is taken up at the next start. */
const STOP_LIMIT_MS = 34_000;
const EXIT = { startFailed: 1, wrongOptions: 2, internal: 70 } as const;

const argv = process.argv.slice(2);
process.stdout.on('error', () => undefined); // whoever read it is gone; serving goes on
process.stderr.on('error', () => undefined);

if (asksFor('help', argv)) process.stdout.write(helpText());
else if (asksFor('version', argv)) process.stdout.write(`${readVersion()}\n`);
else await serve();

async function serve(): Promise<void> {
  try {
    loadEnvironmentFile();
    const config = readConfig(argv, process.env);
    const log = createLog(config.logLevel);
    const starting = startServer(config, log);
    stopOnSignal(starting, log);
    stopOnError(starting, log);
    const { url } = await starting;
    process.stdout.write(`Atelier is ready: ${url}\n`);
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exit(error instanceof ConfigError ? EXIT.wrongOptions : EXIT.startFailed);
  }
}

/** `.env` beside package.json; variables that are set already win. */
function loadEnvironmentFile(): void {
  const path = join(checkoutRoot(), '.env');
  if (existsSync(path)) process.loadEnvFile(path);
}

function stopOnSignal(starting: Promise<RunningServer>, log: Log): void {
  let firstAt: number | null = null;
  const onSignal = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (firstAt === null) {
      firstAt = now;
      log.info('Stopping.', { signal });
      void stop(starting, log, 0);
    } else if (now - firstAt > SAME_KEYPRESS_MS) {
      process.exit(EXIT.startFailed);
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}

/** An error that nobody caught leaves the program in an unknown state: it stops, and its manager starts it again. */
function stopOnError(starting: Promise<RunningServer>, log: Log): void {
  const onError = (error: unknown): void => {
    log.error('An error was not caught; the server stops.', { error });
    void stop(starting, log, EXIT.internal);
  };
  process.on('uncaughtException', onError);
  process.on('unhandledRejection', onError);
}

async function stop(starting: Promise<RunningServer>, log: Log, code: number): Promise<void> {
  setTimeout(() => {
    log.error('Stopping took too long.');
    process.exit(code === 0 ? EXIT.startFailed : code);
  }, STOP_LIMIT_MS).unref();
  const server = await starting.catch(() => null); // a failed start ends the process by itself
  await server?.close();
  process.exit(code);
}

function explain(error: unknown): string {
  if (error instanceof AppError) return [error.facts.detail, error.facts.hint].filter(Boolean).join(' ');
  if (error instanceof ConfigError || error instanceof StartError) return error.message;
  return `Atelier could not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
