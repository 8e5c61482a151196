import { inWords } from './progress.mjs';

/**
 * How one group of tests went.
 * @typedef {object} Outcome
 * @property {string} name
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {number} durationMs
 */

/**
 * Counts a report of vitest's json reporter. A file that could not be loaded and an error outside every test
 * count as one failure each: nothing that went wrong is lost.
 * @param {string | null} text The report; null if none was written.
 * @param {number} exitCode Of vitest.
 * @returns {{ passed: number, failed: number, skipped: number }}
 */
export function countTests(text, exitCode) {
  /** @type {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number, testResults: { status: string, assertionResults: { status: string }[] }[] } | null} */
  const report = text === null ? null : JSON.parse(text);
  if (report === null) return { passed: 0, failed: exitCode === 0 ? 0 : 1, skipped: 0 };
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const failed = report.numFailedTests + unloaded;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/**
 * @param {readonly Outcome[]} outcomes
 * @returns {string} A table, and as its last line `N passed, N failed` or `N passed, N failed, N skipped`.
 */
export function summary(outcomes) {
  const rows = outcomes.map((o) => [o.name, counts(o), inWords(o.durationMs)]);
  const width = (/** @type {number} */ column) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const lines = rows.map(
    ([name = '', text = '', time = '']) => `  ${name.padEnd(width(0))}  ${text.padEnd(width(1))}  ${time}`,
  );
  const sum = (/** @type {'passed' | 'failed' | 'skipped'} */ key) =>
    outcomes.reduce((total, o) => total + o[key], 0);
  return [...lines, counts({ passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') })].join(
    '\n',
  );
}

/** @param {{ passed: number, failed: number, skipped: number }} counted */
function counts({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
