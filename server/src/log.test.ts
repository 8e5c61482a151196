import { describe, expect, it } from 'vitest';
import { createLog } from './log.ts';

const at = new Date('2026-01-31T12:00:00.000Z');
function recorded(level: Parameters<typeof createLog>[0]): {
  log: ReturnType<typeof createLog>;
  lines: string[];
} {
  const lines: string[] = [];
  return {
    lines,
    log: createLog(
      level,
      (line) => lines.push(line),
      () => at,
    ),
  };
}

describe('createLog', () => {
  it('writes one JSON object a line, time, level and message first', () => {
    const { log, lines } = recorded('info');
    log.info('request', { requestId: 'r1', durationMs: 3 });
    expect(lines).toEqual([
      '{"time":"2026-01-31T12:00:00.000Z","level":"info","msg":"request","requestId":"r1","durationMs":3}\n',
    ]);
  });

  it('drops what lies below its level', () => {
    const { log, lines } = recorded('warn');
    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['c', 'd']);
    const silent = recorded('silent');
    silent.log.error('e');
    expect(silent.lines).toEqual([]);
  });

  it('lets no foreign text start a line, move the cursor or turn the writing direction', () => {
    const { log, lines } = recorded('info');
    const nasty = 'a\nb\r\u001b[2J\u007f\u009b\u2028\u202e\u2066\u0000';
    log.info(nasty, { nasty });
    expect(lines).toHaveLength(1);
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    expect(lines[0]?.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u202e\u2066]/);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: nasty, nasty });
  });

  it('writes errors with stack and cause', () => {
    const { log, lines } = recorded('info');
    log.error('failed', { error: new Error('outer', { cause: new Error('inner') }) });
    const { error } = JSON.parse(lines[0] ?? '');
    expect(error).toMatchObject({ message: 'outer', cause: { message: 'inner' } });
    expect(error.stack).toContain('log.test.ts');
  });

  it('never throws for a fact that JSON cannot hold', () => {
    const { log, lines } = recorded('info');
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    log.info('odd', { circle });
    log.info('big', { big: 1n });
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['odd', 'big']);
  });
});
