import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SetupError } from '../../bootstrap/failure.mjs';
import { install } from '../../bootstrap/install.mjs';

/* Real runs of npm in small projects. */

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'atelier-npm-'));
  vi.stubEnv('npm_config_fetch_retries', '0');
  // Nothing listens on the discard port.
  vi.stubEnv('npm_config_registry', 'http://127.0.0.1:9/');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

function project(dependencies: Record<string, string>): void {
  const self = { name: 'small', version: '1.0.0', dependencies };
  const packages = Object.entries(dependencies).map(([name, version]) => [
    `node_modules/${name}`,
    { version, resolved: `http://127.0.0.1:9/${name}.tgz`, integrity: `sha512-${'A'.repeat(86)}==` },
  ]);
  const lock = {
    ...{ name: 'small', version: '1.0.0', lockfileVersion: 3, requires: true },
    packages: { '': self, ...(Object.fromEntries(packages) as object) },
  };
  writeFileSync(join(root, 'package.json'), JSON.stringify(self));
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify(lock));
}

const failureOfInstall = async (): Promise<SetupError> => {
  const failure = await install(root).then(
    () => null,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(SetupError);
  return failure as SetupError;
};

it('asks for the network where npm cannot reach its registry', async () => {
  project({ 'atelier-never-published': '1.0.0' });
  const { message, output } = await failureOfInstall();
  expect(message).toMatch(/^npm could not reach its registry: connect to the network/);
  expect(output).toContain('ECONNREFUSED');
});

it('does not take an install without its native part for a good one', async () => {
  project({});
  const { message } = await failureOfInstall();
  expect(message).toContain('better-sqlite3 was installed without its native part');
});
