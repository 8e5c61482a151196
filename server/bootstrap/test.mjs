import { begin } from './entry.mjs';

// `npm test`: sets up what is missing, then runs every check and every test. The last line counts them.
void begin(async () => {
  const { ROOT, ensureReady } = await import('./setup.mjs');
  const { runTests } = await import('./run-tests.mjs');
  try {
    await ensureReady();
  } catch (error) {
    process.on('exit', () => process.stdout.write('0 passed, 1 failed\n'));
    throw error;
  }
  if (!(await runTests(ROOT, process.argv.slice(2)))) process.exitCode = 1;
});
