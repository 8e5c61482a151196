import { browserAdvice, findBrowser } from '../../../../bootstrap/browser.mjs';
import type { Finding } from '../finding.ts';

/** Only the tests need one that can be started by a program. */
export function checkBrowser(): Finding[] {
  const found = findBrowser();
  if (found !== null) return [{ level: 'ok', subject: 'test browser', text: found }];
  return [{ level: 'warn', subject: 'test browser', text: 'none found', advice: browserAdvice() }];
}
