import { nodeProblem } from './node-version.mjs';

/**
 * Runs an entry's `main` if this Node can, with failures told as sentences. An old Node reads this file and
 * node-version.mjs before anything newer, so `main` imports the rest itself.
 * @param {() => Promise<void>} main
 * @returns {Promise<void>}
 */
export async function begin(main) {
  const problem = nodeProblem(process.versions.node);
  if (problem !== null) {
    process.stderr.write(`${problem}\n`);
    process.exitCode = 1;
    return;
  }
  const { explainFailures } = await import('./failure.mjs');
  await explainFailures(main);
}
