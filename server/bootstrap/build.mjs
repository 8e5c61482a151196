import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { SetupError } from './failure.mjs';
import { runTool } from './run-tool.mjs';

/**
 * One thing that is built: from which sources, by which tool, into what.
 * @typedef {object} Target
 * @property {string} title
 * @property {readonly string[]} sources Files and folders below the root.
 * @property {readonly string[]} outputs Files that must exist after a build.
 * @property {(root: string) => { program: string, args: string[], cwd: string }} command
 */

/** What is not built: what was built, what was installed, tests. */
const SKIPPED = /^(node_modules|dist|test|.*\.test\.ts)$/;

/** @type {readonly Target[]} */
export const TARGETS = [
  {
    title: 'Building the server',
    sources: ['tsconfig.json', 'tsconfig.base.json', 'server', 'bench'],
    outputs: ['server/contract/dist/index.js', 'server/engine/dist/index.js', 'server/dist/src/serve.js'],
    command: (root) => ({
      program: process.execPath,
      args: [toolScript(root, 'typescript', 'bin/tsc'), '--build', 'server', 'bench'],
      cwd: root,
    }),
  },
  {
    title: 'Building the page',
    sources: ['tsconfig.base.json', 'client', 'server/contract'],
    outputs: ['client/dist/index.html'],
    command: (root) => ({
      program: process.execPath,
      args: [toolScript(join(root, 'client'), 'vite', 'bin/vite.js'), 'build'],
      cwd: join(root, 'client'),
    }),
  },
];

/**
 * @param {string} from Folder whose dependency it is.
 * @param {string} name
 * @param {string} script
 */
function toolScript(from, name, script) {
  return join(dirname(createRequire(join(from, 'package.json')).resolve(`${name}/package.json`)), script);
}

/**
 * A fingerprint of the sources' names, sizes and times: as good as their content where nobody sets clocks back,
 * and read in a few milliseconds.
 * @param {string} root
 * @param {readonly string[]} sources
 * @returns {string}
 */
export function fingerprint(root, sources) {
  const hash = createHash('sha256');
  const visit = (/** @type {string} */ path) => {
    const facts = statSync(join(root, path), { throwIfNoEntry: false });
    if (facts === undefined) return;
    if (!facts.isDirectory()) {
      hash.update(`${path}\0${facts.size}\0${facts.mtimeMs}\0`);
      return;
    }
    for (const name of readdirSync(join(root, path)).sort())
      if (!SKIPPED.test(name)) visit(`${path}/${name}`);
  };
  sources.forEach(visit);
  return hash.digest('hex');
}

/**
 * @param {string} root
 * @param {Target} target
 * @returns {boolean} Whether the outputs are there and were made from the sources as they are now.
 */
export function isBuilt(root, target) {
  if (!target.outputs.every((path) => existsSync(join(root, path)))) return false;
  try {
    return readFileSync(stampFile(root, target), 'utf8') === fingerprint(root, target.sources);
  } catch {
    return false;
  }
}

/**
 * @param {string} root
 * @param {Target} target
 * @throws {SetupError} with the compiler's messages, if a source is wrong.
 */
export async function build(root, target) {
  // Taken before: a source that changes meanwhile makes the next start build again.
  const made = fingerprint(root, target.sources);
  const { program, args, cwd } = target.command(root);
  const { code, output } = await runTool(program, args, { cwd });
  if (code !== 0)
    throw new SetupError(`${target.title} failed: mend what is named above and start again.`, { output });
  mkdirSync(dirname(stampFile(root, target)), { recursive: true });
  writeFileSync(stampFile(root, target), made);
}

/**
 * The stamp lies beside the last output, so that it goes with it.
 * @param {string} root
 * @param {Target} target
 */
function stampFile(root, target) {
  const last = target.outputs.at(-1) ?? '';
  return join(root, dirname(last), '.built');
}
