import { parseArgs } from 'node:util';
import { resolve } from 'node:path';

export interface BenchOptions {
  modelPath: string;
  rounds: number;
  /** null: what the model asks for. */
  steps: number | null;
  side: number | null;
  threads: number | null;
}

export const USAGE = `Usage: npm run bench -- [options]

  --model FILE      A checkpoint [models/checkpoints/atelier-starter.safetensors]
  --rounds NUMBER   How often each thing is timed [5]
  --steps NUMBER    [what the model asks for, else 20]
  --size NUMBER     Width and height in pixels [what the model asks for, else 512]
  --threads NUMBER  For the engine here and in the server [the engine chooses]
`;

/** @throws TypeError or RangeError saying what cannot be read. @returns null if help was asked for. */
export function readOptions(argv: readonly string[], root: string): BenchOptions | null {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: { model: text, rounds: text, steps: text, size: text, threads: text, help: { type: 'boolean' } },
  });
  if (values.help) return null;
  return {
    modelPath: resolve(values.model ?? `${root}/models/checkpoints/atelier-starter.safetensors`),
    rounds: whole('rounds', values.rounds) ?? 5,
    steps: whole('steps', values.steps),
    side: whole('size', values.size),
    threads: whole('threads', values.threads),
  };
}

function whole(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new RangeError(`--${name} must be a whole number from 1, but "${text}" was given`);
  return Number(text);
}
