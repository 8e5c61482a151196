import { begin } from './entry.mjs';

// `npx atelier`: sets up what is missing, then runs the command line.
void begin(async () => {
  const { builtFile, ensureReady } = await import('./setup.mjs');
  await ensureReady();
  await import(builtFile('server/dist/src/cli/main.js'));
});
