import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkoutRoot } from './checkout.ts';
import { environmentExample, helpText } from './help.ts';
import { startOptions, variableOf } from './options.ts';
import { asksFor, ConfigError, readConfig } from './read-config.ts';

const root = checkoutRoot();
const message = (argv: string[], env: Record<string, string> = {}): string => {
  try {
    readConfig(argv, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error(`${argv.join(' ')} was accepted`);
};

describe('readConfig', () => {
  it('serves loopback on port 7860 with folders in the checkout where nothing is said', () => {
    const config = readConfig([], {});
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 7860,
      modelsDir: join(root, 'models'),
      outputsDir: join(root, 'outputs'),
      dataDir: join(root, 'data'),
      allowedHosts: [],
      insecureOpen: false,
      engine: 'real',
      threads: null,
      watchdog: { stepMs: 120_000, loadMs: 600_000, jobMs: 3_600_000 },
      limits: { queuedPerUser: 100, queuedTotal: 1000, minFreeBytes: 2 ** 30, attempts: 3 },
      stopGraceMs: 30_000,
      logLevel: 'info',
    });
  });

  it('reads every option from its variable', () => {
    for (const { flag, value, shownDefault } of Object.values(startOptions(root))) {
      const variable = variableOf(flag);
      expect(
        () => readConfig([], { [variable]: value === null ? '0' : shownDefault }),
        variable,
      ).not.toThrow();
      if (/NUMBER|MS|MIB|LEVEL|KIND/.test(value ?? ''))
        expect(message([], { [variable]: 'nonsense' })).toContain(variable);
    }
  });

  it('lets a flag win over its variable', () => {
    const env = { ATELIER_PORT: '1', ATELIER_ENGINE: 'fake' };
    expect(readConfig(['--port', '2'], env)).toMatchObject({ port: 2, engine: 'fake' });
  });

  it('takes an empty variable for one that is not set', () => {
    expect(readConfig([], { ATELIER_PORT: '', ATELIER_HOST: '' })).toMatchObject({
      port: 7860,
      host: '127.0.0.1',
    });
  });

  it('gathers allowed hosts from repeated flags, and from commas in the variable', () => {
    const names = ['--allowed-host', 'Studio.lan', '--allowed-host', 'a.example:8080'];
    expect(readConfig(names, {}).allowedHosts).toEqual(['studio.lan', 'a.example:8080']);
    expect(readConfig([], { ATELIER_ALLOWED_HOST: 'a, b:1' }).allowedHosts).toEqual(['a', 'b:1']);
  });

  it('takes relative folders from the folder it was started in', () => {
    expect(readConfig(['--outputs', 'pictures'], {}).outputsDir).toBe(join(process.cwd(), 'pictures'));
  });

  it.each([
    [['--port', '65536'], '--port must be at most 65535, but "65536" was given.'],
    [['--port', '-1'], /--port/],
    [['--port', '1e3'], '--port must be a whole number from 0 to 65535, but "1e3" was given.'],
    [['--port'], /--port <value>.* argument missing/],
    [['--engine', 'magic'], '--engine must be real or fake, but "magic" was given.'],
    [['--log-level', 'loud'], /--log-level must be debug, info, warn, error or silent/],
    [['--allowed-host', 'http://x/'], /--allowed-host must be host names/],
    [['--models', ''], '--models must name a folder, but "" was given.'],
    [['--nonsense'], "Unknown option '--nonsense': see --help."],
    [['picture'], /Unexpected argument 'picture'/],
  ])('refuses %j in one sentence', (argv, expected) => {
    const text = message(argv);
    expect(text).toMatch(expected);
    expect(text).not.toContain('\n');
  });

  it.each(['0.0.0.0', '192.168.1.5', '::', 'studio.lan'])(
    'does not open %s to the network without being asked',
    (host) => {
      expect(message(['--host', host])).toContain('--insecure-open');
      expect(readConfig(['--host', host, '--insecure-open'], {}).host).toBe(host);
    },
  );

  it.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1', '[::1]'])(
    'takes %s for this machine only',
    (host) => {
      expect(readConfig(['--host', host], {}).host).toBe(host);
    },
  );
});

describe('asksFor', () => {
  it('sees --help and --version anywhere before --', () => {
    expect(asksFor('help', ['--port', '1', '--help'])).toBe(true);
    expect(asksFor('version', ['--version'])).toBe(true);
    expect(asksFor('help', ['--', '--help'])).toBe(false);
  });
});

describe('helpText', () => {
  it('names every option, on lines that fit a terminal', () => {
    const text = helpText();
    for (const { flag } of Object.values(startOptions(root))) expect(text).toContain(`--${flag}`);
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(120);
  });
});

describe('.env.example', () => {
  it('is what the options say', () => {
    const path = join(root, '.env.example');
    expect(existsSync(path) ? readFileSync(path, 'utf8') : null).toBe(environmentExample());
  });
});
