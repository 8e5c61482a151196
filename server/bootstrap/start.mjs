import { begin } from './entry.mjs';

// `npm start`: sets up what is missing, then serves in this very process, so that signals and arguments reach
// the server as they are and it starts sooner.
void begin(async () => {
  const { builtFile, ensureReady } = await import('./setup.mjs');
  await ensureReady();
  await import(builtFile('server/dist/src/serve.js'));
});
