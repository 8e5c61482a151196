import { readVersion } from '../../config/checkout.ts';
import { ConfigError } from '../../config/read-config.ts';
import { explain } from '../explain.ts';
import { GENERATE_USAGE } from '../usage.ts';
import { drawPictures } from './draw-pictures.ts';
import { outputFiles, savePicture } from './output-files.ts';
import { ProgressLine, StatusLine } from './progress-line.ts';
import { readGenerateArguments, type GenerateArguments } from './read-arguments.ts';
import { openStudio } from './studio.ts';

const INTERRUPTED = 130;

/** `atelier generate`: draws in this process, with the code that the server's worker runs. @returns the exit code. */
export async function generateCommand(argv: readonly string[]): Promise<number> {
  let args: GenerateArguments;
  try {
    args = readGenerateArguments(argv);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  if (args.help) {
    process.stdout.write(GENERATE_USAGE);
    return 0;
  }
  const stop = stopOnSignals();
  try {
    return (await generate(args, stop.signal)) ? 0 : INTERRUPTED;
  } catch (error) {
    if (stop.signal.aborted) return INTERRUPTED;
    const { text, exitCode } = explain(error);
    process.stderr.write(`${text}\n`);
    return exitCode;
  } finally {
    stop.release();
  }
}

/** @returns false if the signal ended it. */
async function generate(args: GenerateArguments, signal: AbortSignal): Promise<boolean> {
  const status = new StatusLine();
  status.show('looking for the model');
  const studio = await openStudio(args);
  try {
    const { settings, modelPath } = await studio.settle(args.request);
    const pictures = settings.batchCount * settings.batchSize;
    const files = outputFiles(args.output, settings.seed, pictures);
    const progress = new ProgressLine(pictures);
    let started = performance.now();
    const drawn = drawPictures({ settings, modelPath, threads: args.threads, signal }, (event) => {
      progress.note(event);
      status.show(progress.text());
    });
    for await (const picture of drawn) {
      const modelHash = await studio.modelHash(settings.model);
      const file = files[picture.index] ?? '-';
      await savePicture(file, picture, { settings, modelHash, version: readVersion() });
      status.clear();
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      if (file !== '-') process.stdout.write(`${file} (seed ${picture.seed}, ${seconds} s)\n`);
      started = performance.now();
    }
    return !signal.aborted;
  } finally {
    status.clear();
    await studio.close();
  }
}

/** Ctrl+C asks the drawing to end at its next step; a second one ends the process at once. */
function stopOnSignals(): { signal: AbortSignal; release: () => void } {
  const abort = new AbortController();
  const stop = (): void => {
    if (abort.signal.aborted) process.exit(INTERRUPTED);
    process.stderr.write('\nStopping after this step …\n');
    abort.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return {
    signal: abort.signal,
    release: () => process.off('SIGINT', stop).off('SIGTERM', stop),
  };
}
