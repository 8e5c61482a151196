import { describe, expect, it } from 'vitest';
import { readArguments } from '../../bootstrap/run-tests.mjs';
import { countTests, summary } from '../../bootstrap/test-report.mjs';

const report = (facts: object): string =>
  JSON.stringify({
    numPassedTests: 3,
    numFailedTests: 0,
    numPendingTests: 1,
    numTodoTests: 0,
    testResults: [],
    ...facts,
  });

describe('counting', () => {
  it('takes the counts of a clean run', () => {
    expect(countTests(report({}), 0)).toEqual({ passed: 3, failed: 0, skipped: 1 });
  });

  it('counts a file that could not be loaded', () => {
    const testResults = [{ status: 'failed', assertionResults: [] }];
    expect(countTests(report({ testResults }), 1).failed).toBe(1);
  });

  it('counts an error outside every test, and a run without a report', () => {
    expect(countTests(report({}), 1).failed).toBe(1);
    expect(countTests(null, 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  it('counts a failed test once', () => {
    const testResults = [
      { status: 'failed', assertionResults: [{ status: 'failed' }, { status: 'passed' }] },
    ];
    expect(countTests(report({ numFailedTests: 1, testResults }), 1).failed).toBe(1);
  });
});

describe('the summary', () => {
  const row = (name: string, passed: number, failed: number, skipped: number) => ({
    ...{ name, passed, failed, skipped, durationMs: 61_000 },
  });

  it('ends in the sums, alone on the last line', () => {
    const lines = summary([row('unit', 10, 0, 0), row('e2e', 2, 1, 3)]).split('\n');
    expect(lines.at(-1)).toBe('12 passed, 1 failed, 3 skipped');
    expect(lines[0]).toMatch(/unit .*10 passed, 0 failed .*1 min 1 s/);
  });

  it('leaves out skipped tests where there are none', () => {
    expect(
      summary([row('unit', 10, 0, 0)])
        .split('\n')
        .at(-1),
    ).toBe('10 passed, 0 failed');
  });
});

describe('arguments', () => {
  it('are groups to run, in their own order, and whatever vitest takes', () => {
    expect(readArguments(['parity', 'unit', 'samplers', '-t', 'euler'])).toEqual({
      groups: ['unit', 'parity'],
      rest: ['samplers', '-t', 'euler'],
    });
  });

  it('mean every group when none is named', () => {
    expect(readArguments([]).groups).toEqual(['check', 'unit', 'client', 'contract', 'parity', 'e2e']);
  });
});
