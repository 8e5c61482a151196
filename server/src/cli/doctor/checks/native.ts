import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Finding } from '../finding.ts';

/** Each native module, with what it is for. */
const MODULES = [
  ['onnxruntime', 'draws pictures'],
  ['sharp', 'reads and writes pictures'],
  ['sqlite', 'keeps jobs and pictures'],
] as const;

/** Long enough for a slow disk. */
const PATIENCE_MS = 60_000;

export function checkNative(): Promise<Finding[]> {
  return Promise.all(
    MODULES.map(async ([name, purpose]) => {
      const { isFine, text } = await probe(name);
      if (isFine) return { level: 'ok' as const, subject: name, text: `${text}, ${purpose}` };
      const advice = `It ${purpose}. Delete the folder node_modules and run npm start; if it fails again, report this line.`;
      return { level: 'fail' as const, subject: name, text, advice };
    }),
  );
}

/** Tries a module in a process of its own, which a native crash may end. */
function probe(name: string): Promise<{ isFine: boolean; text: string }> {
  const entry = fileURLToPath(new URL('./native-probe.js', import.meta.url));
  // Built code only, also where this file runs from source, as in tests.
  const built = import.meta.url.endsWith('.ts')
    ? entry.replace(/([\\/])src([\\/])cli/, '$1dist$1src$2cli')
    : entry;
  return new Promise((resolve) => {
    execFile(process.execPath, [built, name], { timeout: PATIENCE_MS }, (error, stdout, stderr) => {
      if (error === null) return resolve({ isFine: true, text: stdout.trim() });
      const how = error.signal === undefined || error.signal === null ? '' : ` (ended by ${error.signal})`;
      const said =
        stderr
          .trim()
          .split('\n')
          .findLast((line) => line !== '') ?? 'it ended without a word';
      resolve({ isFine: false, text: `does not work${how}: ${said}` });
    });
  });
}
