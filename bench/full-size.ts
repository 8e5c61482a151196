import { openCheckpoint, SessionCache, type DiffusionModel, type Latents } from '@atelier/engine';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { table } from './timings.ts';
import { Stopwatch } from './stopwatch.ts';

/*
 * What a full-size checkpoint takes: seconds until it is ready, memory, an evaluation, decoding, and going to another
 * checkpoint and back:
 *
 *   node bench/full-size-checkpoint.mjs /tmp/full.safetensors
 *   npx tsc --build && node bench/dist/full-size.js /tmp/full.safetensors --size 512 --other models/checkpoints/x.safetensors
 *
 * Start it as the worker is started, so that memory is given back: MALLOC_MMAP_THRESHOLD_=1048576.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string', default: '512' },
    rounds: { type: 'string', default: '3' },
    other: { type: 'string' },
    switches: { type: 'string', default: '20' },
    /** Gigabytes of weights that are kept open. */
    budget: { type: 'string' },
    optimise: { type: 'string', default: 'opening' },
  },
});
const [path] = positionals;
if (path === undefined) {
  process.stderr.write(
    'Usage: node bench/dist/full-size.js CHECKPOINT [--size 512] [--rounds 3] [--other CHECKPOINT] [--switches 20] [--budget GB] [--optimise opening|drawing]\n',
  );
  process.exit(2);
}
const size = Number(values.size);
const cache = new SessionCache(values.budget === undefined ? Infinity : Number(values.budget) * 1e9);
const watch = new Stopwatch();

const model = await watch.time('ready', () => ready(path));
note('all networks loaded');
for (let round = 0; round < Number(values.rounds); round += 1) {
  await watch.time('text, 77 tokens', () => encoded(model));
  await watch.time(`evaluation, ${size}x${size}`, () => evaluated(model, size));
}
note('evaluated');
await watch.time(`decoding, ${size}x${size}`, () => model.decode(latents(model, size)));
note('decoded');
if (values.other !== undefined) await goToAndBack(path, values.other);
process.stdout.write(`${table(watch.timings())}\n`);

async function ready(file: string): Promise<DiffusionModel> {
  const optimise = values.optimise === 'drawing' ? 'drawing' : 'opening';
  const opened = await openCheckpoint(file, { cache, optimise });
  await opened.load();
  return opened;
}

/** Opened anew each time, as the server does; what is still in the cache costs nothing. */
async function goToAndBack(first: string, second: string): Promise<void> {
  const switches = Number(values.switches);
  for (let round = 0; round < switches; round += 1) {
    for (const [name, file] of [
      ['switch to the other', second],
      ['switch back', first],
    ] as const) {
      const opened = await watch.time(name, () => ready(file));
      await opened.dispose();
    }
    if (round === 0 || round === switches - 1) note(`after ${round + 1} switches there and back`);
  }
}

function encoded(from: DiffusionModel): Promise<unknown> {
  return from.encodeText(Int32Array.from({ length: 77 }, (_, index) => (index === 0 ? 49406 : 49407)));
}

async function evaluated(from: DiffusionModel, side: number): Promise<Latents> {
  const width = from.textWidths.reduce((sum, each) => sum + each, 0);
  const context = Float32Array.from({ length: 77 * width }, (_, index) => Math.cos(index));
  const pooled = new Float32Array(from.textWidths.at(-1) ?? 0);
  return from.predict(latents(from, side), 500, { data: context, dims: [1, 77, width], pooled });
}

function latents({ latentChannels, factor }: DiffusionModel, side: number): Latents {
  const edge = side / factor;
  const data = Float32Array.from({ length: latentChannels * edge * edge }, (_, index) => Math.sin(index));
  return { data, dims: [1, latentChannels, edge, edge] };
}

/** Memory of this process; Linux alone tells. */
function note(when: string): void {
  const status = readFileSync('/proc/self/status', 'utf8');
  const of = (key: string): string => {
    const [, kilobytes] = new RegExp(`${key}:\\s+(\\d+)`).exec(status) ?? [];
    return (Number(kilobytes) / 1e6).toFixed(2);
  };
  process.stdout.write(`${when}: ${of('VmRSS')} GB, peak ${of('VmHWM')} GB\n`);
}
