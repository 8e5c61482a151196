// npm run build && node server/engine/examples/models.mjs models
//
// Says what lies in a folder, then goes to and fro between the checkpoints in it; what is kept open loads only once.
import { listModels, openCheckpoint, SessionCache } from '@atelier/engine';

const [, , folder = 'models'] = process.argv;
const checkpoints = [];
for await (const model of listModels(folder)) {
  if ('problem' in model) {
    console.log(`${model.path}: ${model.problem.message}`);
    continue;
  }
  const { path, kind, family, sizeBytes, lacks } = model;
  const without = lacks.length === 0 ? '' : `, without ${lacks.join(' and ')}`;
  console.log(`${path}: ${kind} for ${family ?? 'any family'}, ${sizeBytes} bytes${without}`);
  if (kind === 'checkpoint' && lacks.length === 0) checkpoints.push(path);
}

const cache = new SessionCache(8e9); // bytes of weights that stay open
for (const path of [...checkpoints, ...checkpoints]) {
  const start = performance.now();
  const model = await openCheckpoint(path, { cache });
  await model.load((network) => console.log(`  loading the ${network}`), AbortSignal.timeout(600_000));
  console.log(`${path}: ready in ${Math.round(performance.now() - start)} ms`);
  await model.dispose(); // the cache keeps its networks
}
await cache.dispose();
