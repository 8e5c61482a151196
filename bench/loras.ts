import { openCheckpoint, openLora, type DiffusionModel, type Latents } from '@atelier/engine';
import { readFileSync } from 'node:fs';

/*
 * What a LoRA costs, folded or live, beside the same checkpoint without it:
 *
 *   node bench/full-size-checkpoint.mjs /tmp/full.safetensors
 *   node bench/full-size-lora.mjs /tmp/lora.safetensors
 *   npx tsc --build && node bench/dist/loras.js /tmp/full.safetensors /tmp/lora.safetensors live
 *
 * Evaluations take turns, so that a machine that slows down slows both. Processor seconds are given too: others who use the
 * machine change them less than seconds of the clock.
 */
const WIDTH = 64; // of the latents
const ROUNDS = 3;

interface Cost {
  readonly seconds: number;
  readonly processorSeconds: number;
}

const [, , checkpoint, file, mode] = process.argv;
if (checkpoint === undefined || file === undefined || (mode !== 'folded' && mode !== 'live')) {
  process.stderr.write('Usage: node bench/dist/loras.js CHECKPOINT LORA folded|live\n');
  process.exit(2);
}

const lora = await openLora(file);
const plain = await loaded('without', await openCheckpoint(checkpoint));
const changed = await loaded(
  mode,
  await openCheckpoint(checkpoint, { loras: [{ lora, unet: 0.8, text: 0.8, mode }] }),
);
const [applied] = changed.loras;
for (let round = 0; round < ROUNDS; round += 1) {
  report('without: evaluation', await cost(() => evaluated(plain)));
  if (applied?.live != null) applied.live.unet.value = 0.5 + round / 10; // so that its cost is in what follows
  report(`${mode}: evaluation`, await cost(() => evaluated(changed)));
}
await Promise.all([plain.dispose(), changed.dispose()]);

/** With its UNet loaded, which the first evaluation does. */
async function loaded(name: string, model: DiffusionModel): Promise<DiffusionModel> {
  const before = memory('RssAnon');
  report(`${name}: load`, await cost(() => evaluated(model, 8)));
  process.stdout.write(
    `${name}: memory ${(memory('RssAnon') - before).toFixed(2)} GB, peak of the process ${memory('VmHWM').toFixed(2)} GB\n`,
  );
  await evaluated(model);
  return model;
}

function evaluated(model: DiffusionModel, side = WIDTH): Promise<Latents> {
  const data = Float32Array.from({ length: model.latentChannels * side * side }, (_, index) =>
    Math.sin(index),
  );
  const [width = 0] = model.textWidths;
  const context = Float32Array.from({ length: 77 * width }, (_, index) => Math.cos(index));
  const x: Latents = { data, dims: [1, model.latentChannels, side, side] };
  return model.predict(x, 500, { data: context, dims: [1, 77, width] });
}

async function cost(work: () => Promise<unknown>): Promise<Cost> {
  const [started, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - started) / 1e3, processorSeconds: (user + system) / 1e6 };
}

function report(what: string, { seconds, processorSeconds }: Cost): void {
  process.stdout.write(`${what} ${seconds.toFixed(2)} s, processor ${processorSeconds.toFixed(2)} s\n`);
}

/** Gigabytes of this process; Linux alone tells. */
function memory(key: 'RssAnon' | 'VmHWM'): number {
  const [, kilobytes] = new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kilobytes) / 1e6;
}
