import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const client = fileURLToPath(new URL('../../../client', import.meta.url));
const contract = fileURLToPath(new URL('../../contract/src', import.meta.url));
const page = join(client, 'dist', 'index.html');

/** Builds the client if a source of it is newer than the last build, as the server serves what was built. */
export function buildClient(): void {
  if (existsSync(page) && newestSource() <= statSync(page).mtimeMs) return;
  const vite = join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin', 'vite.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [vite, 'build'], {
    cwd: client,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`The client could not be built.\n${stdout}${stderr}`);
}

function newestSource(): number {
  const folders = [join(client, 'src'), join(client, 'public'), contract];
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => !name.endsWith('.test.ts'))
      .map((name) => join(folder, name)),
  );
  files.push(join(client, 'index.html'), join(client, 'vite.config.ts'));
  return Math.max(...files.map((file) => statSync(file)).map((stat) => (stat.isFile() ? stat.mtimeMs : 0)));
}
