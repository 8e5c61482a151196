import { begin } from './entry.mjs';

// `npm run bench`: sets up what is missing, then measures.
void begin(async () => {
  const { builtFile, ensureReady } = await import('./setup.mjs');
  await ensureReady();
  await import(builtFile('bench/dist/main.js'));
});
