import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import type { Finding } from '../finding.ts';

const GIB = 2 ** 30;
/** What a full-size SD 1.5 checkpoint takes while it draws at 512x512, with the system around it. */
const COMFORTABLE_BYTES = 7 * GIB;
/** The starter model, with the system around it. */
const LEAST_BYTES = 2 * GIB;

export async function checkMachine(): Promise<Finding[]> {
  return [checkProcessor(await processorFeatures()), checkMemory(totalmem(), availableMemory())];
}

/** Vector instructions, as Linux lists them; null where there is no such list. */
async function processorFeatures(): Promise<ReadonlySet<string> | null> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(text)?.[1];
  return flags === undefined ? null : new Set(flags.split(' '));
}

const VECTORS = ['avx2', 'avx512f', 'avx512_bf16', 'amx_tile', 'asimd', 'sve'];

export function checkProcessor(features: ReadonlySet<string> | null): Finding {
  const found = VECTORS.filter((name) => features?.has(name));
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  const text = [`${model}, ${availableParallelism()} cores`, ...found].join(', ');
  if (features !== null && found.length === 0) {
    const advice = 'Drawing works, but takes several times as long as on a processor with AVX2.';
    return { level: 'warn', subject: 'processor', text: `${text}, no AVX2`, advice };
  }
  return { level: 'ok', subject: 'processor', text };
}

/** Free memory, or less where a container may not have all of it. */
function availableMemory(): number {
  return process.availableMemory();
}

export function checkMemory(total: number, available: number): Finding {
  const text = `${gib(available)} GiB free of ${gib(total)} GiB`;
  const subject = 'memory';
  if (available < LEAST_BYTES) {
    return { level: 'warn', subject, text, advice: 'Close other programs: even a small model may not fit.' };
  }
  if (available < COMFORTABLE_BYTES) {
    return {
      level: 'warn',
      subject,
      text,
      advice: 'Enough for the starter model; a full-size one needs about 7 GiB.',
    };
  }
  return { level: 'ok', subject, text };
}

const gib = (bytes: number): string => (bytes / GIB).toFixed(1);
