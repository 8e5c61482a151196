import type { Config } from './config/config.ts';

/** One JSON object a line; levels below the configured one are dropped. Prompts are written at debug only. */
export interface Log {
  debug(msg: string, facts?: Record<string, unknown>): void;
  info(msg: string, facts?: Record<string, unknown>): void;
  warn(msg: string, facts?: Record<string, unknown>): void;
  error(msg: string, facts?: Record<string, unknown>): void;
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/**
 * A log of one JSON object a line: `time`, `level`, `msg`, then the facts. An Error among the facts is written with
 * its stack and causes.
 * @param write Takes a whole line; standard error by default.
 */
export function createLog(
  level: Config['logLevel'],
  write: (line: string) => void = (line) => process.stderr.write(line),
  now: () => Date = () => new Date(),
): Log {
  const lowest = level === 'silent' ? LEVELS.length : LEVELS.indexOf(level);
  const at =
    (name: (typeof LEVELS)[number]) =>
    (msg: string, facts: Record<string, unknown> = {}): void => {
      if (LEVELS.indexOf(name) < lowest) return;
      write(`${line({ time: now().toISOString(), level: name, msg, ...facts })}\n`);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function line(entry: Record<string, unknown>): string {
  try {
    return escapeControls(JSON.stringify(entry, plain));
  } catch (error) {
    // A fact that JSON cannot hold must not stop the work that is being logged.
    return escapeControls(
      JSON.stringify({
        time: entry['time'],
        level: entry['level'],
        msg: entry['msg'],
        unloggable: String(error),
      }),
    );
  }
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (!(value instanceof Error)) return value;
  return { name: value.name, message: value.message, stack: value.stack, cause: value.cause };
}

/** JSON escapes what lies below U+0020; this also DEL, C1, line separators and marks that reorder text on a screen. */
function escapeControls(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
