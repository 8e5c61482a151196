// Runs the parity tests and writes what they measured into docs/parity.md: npm run parity:report
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { render } from './render.mjs';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const REPORT = join(ROOT, 'docs/parity.md');
const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');

/** Everything that the tests measured. */
function measurements() {
  const folder = mkdtempSync(join(tmpdir(), 'atelier-parity-'));
  try {
    const { status } = spawnSync(
      process.execPath,
      [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'parity'],
      { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ATELIER_PARITY_REPORT: folder } },
    );
    if (status !== 0) throw new Error('A parity test failed, so the report stays as it is.');
    return readdirSync(folder)
      .flatMap((name) => readFileSync(join(folder, name), 'utf8').trim().split('\n'))
      .map((line) => JSON.parse(line));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const all = measurements();
if (existsSync(REPORT) && all.every(({ isInRepository }) => isInRepository)) {
  throw new Error('Without the reference data that is kept elsewhere, the report would lose rows.');
}
const text = `${read('introduction.md')}\n${render(all)}\n${read('without-reference.md')}`;
writeFileSync(REPORT, await format(text, { ...(await resolveConfig(REPORT)), filepath: REPORT }));
console.log(`docs/parity.md: ${all.length} comparisons.`);
