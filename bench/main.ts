import {
  openCheckpoint,
  textToImage,
  type DiffusionModel,
  type Latents,
  type TextConditioning,
} from '@atelier/engine';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readOptions, USAGE, type BenchOptions } from './options.ts';
import { startServerProcess } from './server-process.ts';
import { Stopwatch } from './stopwatch.ts';
import { table } from './timings.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROMPT = 'a red apple';
const START_TOKEN = 49406;
const END_TOKEN = 49407;
/** Evaluations a round; their mean is one time. */
const EVALUATIONS = 4;

/** What is drawn, here and by the server. */
interface Settings {
  steps: number;
  width: number;
  height: number;
}

/*
 * `npm run bench`: times the engine's parts, a whole picture by the bare engine, and the same picture over HTTP from a
 * real server. Each round times everything once, so that a machine that slows down slows all of it.
 */
try {
  const options = readOptions(process.argv.slice(2), ROOT);
  if (options === null) process.stdout.write(USAGE);
  else await bench(options);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function bench(options: BenchOptions): Promise<void> {
  const { modelPath, rounds, threads } = options;
  const engine = threads === null ? {} : { threads };
  const model = await openCheckpoint(modelPath, engine);
  const settings = settingsFor(model, options);
  const watch = new Stopwatch();
  process.stderr.write('Starting a server …\n');
  const server = await startServerProcess(ROOT, modelPath, threads);
  try {
    // The first of each is slower (pages of the file, warm caches) and is timed by itself.
    await watch.time('first picture, engine', () => drawHere(model, settings, 0));
    await watch.time('first picture, API', () => server.draw(asked(settings, 0)), 'first picture, engine');
    for (let round = 1; round <= rounds; round += 1) {
      process.stderr.write(`Round ${round} of ${rounds} …\n`);
      await timeParts(watch, model, settings);
      await watch.time('picture, engine', () => drawHere(model, settings, round));
      await watch.time('picture, API', () => server.draw(asked(settings, round)), 'picture, engine');
      await timeLoad(watch, modelPath, engine);
    }
  } finally {
    await server.stop();
    await model.dispose();
  }
  await report(watch, options, settings);
}

function settingsFor(model: DiffusionModel, { steps, side }: BenchOptions): Settings {
  const { defaults } = model.card;
  return {
    steps: steps ?? defaults.steps ?? 20,
    width: side ?? defaults.width ?? 512,
    height: side ?? defaults.height ?? 512,
  };
}

/** Loading from a file that is in the system's cache: everything up to being ready for the first step. */
async function timeLoad(watch: Stopwatch, path: string, engine: { threads?: number }): Promise<void> {
  const loaded = await watch.time('load', async () => {
    const model = await openCheckpoint(path, engine);
    await model.load();
    return model;
  });
  await loaded.dispose();
}

async function timeParts(watch: Stopwatch, model: DiffusionModel, settings: Settings): Promise<void> {
  const tokens = Int32Array.from({ length: 77 }, (_, i) => (i === 0 ? START_TOKEN : END_TOKEN));
  const context = await watch.time('text encoder', () => model.encodeText(tokens));
  const x = testLatents(model, settings);
  watch.add('UNet evaluation', await meanOfEvaluations(model, x, context));
  await watch.time('VAE decode', () => model.decode(x));
}

async function meanOfEvaluations(
  model: DiffusionModel,
  x: Latents,
  context: TextConditioning,
): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < EVALUATIONS; i += 1) await model.predict(x, 500, context);
  return (performance.now() - started) / EVALUATIONS;
}

/** Of about unit variance, without randomness. */
function testLatents({ latentChannels }: DiffusionModel, { width, height }: Settings): Latents {
  const dims = [1, latentChannels, height / 8, width / 8] as const;
  const length = dims.reduce((product, side) => product * side, 1);
  return { data: Float32Array.from({ length }, (_, i) => 1.4 * Math.sin(i * 12.9898)), dims };
}

async function drawHere(model: DiffusionModel, settings: Settings, seed: number): Promise<void> {
  let isDrawn = false;
  for await (const event of textToImage(model, asked(settings, seed))) isDrawn ||= event.type === 'image';
  if (!isDrawn) throw new Error('The engine drew no picture');
}

function asked(settings: Settings, seed: number): Settings & { prompt: string; seed: number } {
  return { ...settings, prompt: PROMPT, seed };
}

async function report(
  watch: Stopwatch,
  { modelPath, threads }: BenchOptions,
  settings: Settings,
): Promise<void> {
  const timings = watch.timings();
  const { steps, width, height } = settings;
  const machine = {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    /** Above the number of cores, others were using the machine. */
    loadAverage: loadavg()[0],
  };
  const { processor, cores, memoryGib, node } = machine;
  process.stdout.write(
    `\n${basename(modelPath)}, ${width}x${height}, ${steps} steps, ${threads ?? 'automatic'} threads\n` +
      `${processor}, ${cores} cores, ${memoryGib} GiB, Node ${node}\n\n${table(timings)}\n`,
  );
  const folder = join(ROOT, 'bench', 'results');
  await mkdir(folder, { recursive: true });
  const at = new Date().toISOString();
  const file = join(folder, `${at.replaceAll(':', '-')}.json`);
  await writeFile(
    file,
    JSON.stringify({ at, model: basename(modelPath), settings, threads, machine, timings }, null, 2),
  );
  process.stdout.write(`\nWritten to ${file}\n`);
}
