import { parseArgs } from 'node:util';
import { ConfigError } from '../../config/read-config.ts';

/** What `atelier generate` was asked for. The request is checked later, by the same rules as one over HTTP. */
export interface GenerateArguments {
  /** A request as the API takes it, with only what was given. */
  request: Record<string, string | number>;
  /** A file, `-` for standard output, or null for a name made from the seed. */
  output: string | null;
  modelsDir: string | null;
  /** null lets the engine choose. */
  threads: number | null;
  help: boolean;
}

const OPTIONS = {
  output: { type: 'string', short: 'o' },
  model: { type: 'string', short: 'm' },
  negative: { type: 'string', short: 'n' },
  sampler: { type: 'string' },
  scheduler: { type: 'string' },
  steps: { type: 'string' },
  size: { type: 'string' },
  cfg: { type: 'string' },
  seed: { type: 'string' },
  count: { type: 'string' },
  threads: { type: 'string' },
  models: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** @throws ConfigError in one sentence, at the first argument that cannot be read. */
export function readGenerateArguments(argv: readonly string[]): GenerateArguments {
  const { values, positionals } = parse(argv);
  const [width, height] = values.size === undefined ? [] : readSize(values.size);
  const fields = {
    prompt: readPrompt(positionals, values.help ?? false),
    negativePrompt: values.negative,
    model: values.model,
    sampler: values.sampler,
    scheduler: values.scheduler,
    steps: numberOf('steps', values.steps),
    width,
    height,
    cfgScale: numberOf('cfg', values.cfg),
    seed: numberOf('seed', values.seed),
    batchCount: numberOf('count', values.count),
  };
  const given = Object.entries(fields).filter(
    (field): field is [string, string | number] => field[1] !== undefined,
  );
  return {
    request: Object.fromEntries(given),
    output: values.output ?? null,
    modelsDir: values.models ?? null,
    threads: readThreads(values.threads),
    help: values.help ?? false,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: joinNegativeNumbers(argv),
      options: OPTIONS,
      strict: true,
      allowPositionals: true,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('. ')[0] : String(error);
    throw new ConfigError(`${reason}: see npx atelier generate --help.`, { cause: error });
  }
}

/** `--seed -1` as `--seed=-1`: parseArgs takes a value that begins with a dash for the next option. */
function joinNegativeNumbers(argv: readonly string[]): string[] {
  const joined: string[] = [];
  for (const arg of argv) {
    const last = joined.at(-1);
    if (/^-\d/.test(arg) && last !== undefined && /^--[a-z]+$/.test(last))
      joined[joined.length - 1] = `${last}=${arg}`;
    else joined.push(arg);
  }
  return joined;
}

function readPrompt(positionals: readonly string[], isHelp: boolean): string {
  const [prompt, ...more] = positionals;
  if (more.length > 0) throw new ConfigError(`Put the prompt in quotes: "${positionals.join(' ')}".`);
  if (prompt === undefined && !isHelp) {
    throw new ConfigError('Say what to draw: npx atelier generate "a red apple" -o apple.png');
  }
  return prompt ?? '';
}

function readSize(text: string): [width: number, height: number] {
  const match = /^(\d{1,6})\s*[x×*]\s*(\d{1,6})$/i.exec(text);
  if (match === null)
    throw new ConfigError(`--size must be width x height, e.g. 512x512, but "${text}" was given.`);
  return [Number(match[1]), Number(match[2])];
}

function numberOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? NaN : Number(text);
  if (!Number.isFinite(value)) throw new ConfigError(`--${flag} must be a number, but "${text}" was given.`);
  return value;
}

function readThreads(text: string | undefined): number | null {
  const threads = numberOf('threads', text) ?? 0;
  if (!Number.isInteger(threads) || threads < 0 || threads > 1024) {
    throw new ConfigError(`--threads must be a whole number from 0 to 1024, but "${text}" was given.`);
  }
  return threads === 0 ? null : threads;
}
