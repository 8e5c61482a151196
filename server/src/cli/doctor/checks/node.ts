import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { npmCommand } from '../../../../bootstrap/install.mjs';
import { nodeProblem } from '../../../../bootstrap/node-version.mjs';
import type { Finding } from '../finding.ts';

export async function checkNode(): Promise<Finding[]> {
  const version = process.versions.node;
  const problem = nodeProblem(version);
  return [
    problem === null
      ? { level: 'ok', subject: 'Node', text: `${version} (${process.platform} ${process.arch})` }
      : { level: 'fail', subject: 'Node', text: version, advice: problem },
    await checkNpm(),
  ];
}

async function checkNpm(): Promise<Finding> {
  const { program, args } = npmCommand();
  const answer = promisify(execFile)(program, [...args, '--version'], {
    shell: process.platform === 'win32',
  });
  const version = await answer.then(
    ({ stdout }) => stdout.trim(),
    () => null,
  );
  if (version !== null) return { level: 'ok', subject: 'npm', text: version };
  const advice = 'Needed only to install and update: install Node with its npm.';
  return { level: 'warn', subject: 'npm', text: 'not found', advice };
}
