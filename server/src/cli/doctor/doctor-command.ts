import { asksFor, ConfigError, readConfig } from '../../config/read-config.ts';
import type { Config } from '../../config/config.ts';
import { DOCTOR_USAGE } from '../usage.ts';
import { checkBrowser } from './checks/browser.ts';
import { checkFolders } from './checks/folders.ts';
import { checkMachine } from './checks/machine.ts';
import { checkModels } from './checks/models.ts';
import { checkNative } from './checks/native.ts';
import { checkNode } from './checks/node.ts';
import { checkPort } from './checks/port.ts';
import { report, type Finding } from './finding.ts';

const CHECKS: readonly ((config: Config) => Finding[] | Promise<Finding[]>)[] = [
  checkNode,
  checkMachine,
  checkFolders,
  checkNative,
  checkModels,
  checkPort,
  checkBrowser,
];

/** `atelier doctor`: says what the machine has and what is wrong. @returns the exit code. */
export async function doctorCommand(argv: readonly string[]): Promise<number> {
  if (asksFor('help', argv) || argv.includes('-h')) {
    process.stdout.write(DOCTOR_USAGE);
    return 0;
  }
  let config: Config;
  try {
    config = readConfig(argv, process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  const findings = await examine(config);
  process.stdout.write(report(findings));
  return findings.some(({ level }) => level === 'fail') ? 1 : 0;
}

/** All checks, one after the other. A check that breaks is a finding too. */
async function examine(config: Config): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const check of CHECKS) {
    try {
      findings.push(...(await check(config)));
    } catch (error) {
      findings.push({ level: 'fail', subject: check.name, text: `could not be checked: ${String(error)}` });
    }
  }
  return findings;
}
