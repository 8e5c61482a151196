// npm run build && node server/engine/examples/ten-lines.mjs models/checkpoints/atelier-starter.safetensors "a red apple"
import { openCheckpoint, textToImage } from '@atelier/engine';
import sharp from 'sharp';

const [, , checkpoint, prompt = 'a red apple'] = process.argv;
const model = await openCheckpoint(checkpoint);
for await (const event of textToImage(model, { prompt, seed: 7 })) {
  if (event.type === 'step') console.log(`step ${event.step} of ${event.steps}`);
  if (event.type !== 'image') continue;
  const { data, width, height } = event.image;
  await sharp(data, { raw: { width, height, channels: 3 } }).toFile('picture.png');
}
await model.dispose();
