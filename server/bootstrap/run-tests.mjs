import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { browserAdvice, canInstallBrowser, findBrowser, installBrowser } from './browser.mjs';
import { SetupError, describeFailure } from './failure.mjs';
import { npmCommand } from './install.mjs';
import { phase } from './progress.mjs';
import { runTool } from './run-tool.mjs';
import { countTests, summary } from './test-report.mjs';

/** @typedef {import('./test-report.mjs').Outcome} Outcome */

/** In the order they run: what fails soonest first. All but `check` are projects of vitest.config.ts. */
export const GROUPS = ['check', 'unit', 'client', 'contract', 'parity', 'e2e'];

/**
 * @param {readonly string[]} args Names of groups (none: all of them), then whatever vitest takes.
 * @returns {{ groups: string[], rest: string[] }}
 */
export function readArguments(args) {
  const groups = args.filter((arg) => GROUPS.includes(arg));
  return {
    groups: GROUPS.filter((group) => groups.length === 0 || groups.includes(group)),
    rest: args.filter((arg) => !GROUPS.includes(arg)),
  };
}

/**
 * Runs the groups one after the other and prints a summary; a failure does not keep the others from running.
 * @param {string} root
 * @param {readonly string[]} args
 * @returns {Promise<boolean>} Whether all went well.
 */
export async function runTests(root, args) {
  const { groups, rest } = readArguments(args);
  /** @type {Outcome[]} */
  const outcomes = [];
  for (const group of groups) {
    const started = Date.now();
    const counted = await (group === 'check' ? runChecks(root) : runProject(root, group, rest));
    outcomes.push({ name: group, ...counted, durationMs: Date.now() - started });
  }
  process.stdout.write(`\n${summary(outcomes)}\n`);
  return outcomes.every(({ failed }) => failed === 0);
}

/**
 * Each part of `npm run check` counts as one test.
 * @param {string} root
 */
async function runChecks(root) {
  /** @type {{ scripts: Record<string, string> }} */
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const counted = { passed: 0, failed: 0, skipped: 0 };
  for (const script of Object.keys(scripts).filter((name) => name.startsWith('check:'))) {
    const { program, args } = npmCommand();
    try {
      await phase(`Checking ${script.slice('check:'.length)}`, async () => {
        const { code, output } = await runTool(program, [...args, 'run', '--silent', script], { cwd: root });
        if (code !== 0) throw new SetupError(`npm run ${script} found something to mend.`, { output });
      });
      counted.passed += 1;
    } catch (error) {
      process.stderr.write(describeFailure(error, true));
      counted.failed += 1;
    }
  }
  return counted;
}

/**
 * @param {string} root
 * @param {string} project
 * @param {readonly string[]} rest
 */
async function runProject(root, project, rest) {
  process.stdout.write(`\nTests: ${project}\n`);
  const folder = mkdtempSync(join(tmpdir(), 'atelier-tests-'));
  try {
    const report = join(folder, 'report.json');
    const { code } = await runTool(
      process.execPath,
      [
        join(root, 'node_modules', 'vitest', 'vitest.mjs'),
        ...['run', '--project', project, '--passWithNoTests'],
        ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...rest],
      ],
      { cwd: root, show: true, env: project === 'e2e' ? { ATELIER_BROWSER: await browser() } : {} },
    );
    return countTests(readIfThere(report), code);
  } catch (error) {
    process.stderr.write(describeFailure(error, true));
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns {Promise<string>} Path of a browser; installs one where that needs no question. */
async function browser() {
  const found = findBrowser();
  if (found !== null) return found;
  if (canInstallBrowser()) return phase('Installing Chromium', installBrowser);
  throw new SetupError(browserAdvice());
}

/** @param {string} path */
function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
