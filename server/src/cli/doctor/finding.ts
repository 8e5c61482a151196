/** What one check found. `fail`: Atelier does not work like this. `warn`: it works, but not as well as it could. */
export interface Finding {
  level: 'ok' | 'warn' | 'fail';
  /** What was looked at, in a word or two. */
  subject: string;
  text: string;
  /** What to do about it. */
  advice?: string;
}

const MARKS = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const;

/** The findings as lines, one each, advice below; then how many are bad. */
export function report(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ subject }) => subject.length));
  const rows = findings.flatMap(({ level, subject, text, advice }) => [
    `${MARKS[level]}  ${subject.padEnd(width)}  ${text}`,
    ...(advice === undefined ? [] : [`${' '.repeat(width + 8)}→ ${advice}`]),
  ]);
  return [...rows, '', verdict(findings), ''].join('\n');
}

function verdict(findings: readonly Finding[]): string {
  const count = (level: Finding['level']): number =>
    findings.filter((finding) => finding.level === level).length;
  const [fails, warnings] = [count('fail'), count('warn')];
  if (fails > 0) return `${fails} of ${findings.length} checks failed.`;
  return warnings > 0
    ? `Atelier works here; ${warnings} of ${findings.length} checks gave a warning.`
    : 'All is well.';
}
