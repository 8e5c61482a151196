// npm run build && node server/engine/examples/control.mjs <checkpoint> <ControlNet> <control picture> "a prompt"
import { controlsOf, hintFrom, openCheckpoint, openControlNet, textToImage } from '@atelier/engine';
import sharp from 'sharp';

const [, , checkpoint, controlNet, picture, prompt = 'a red apple'] = process.argv;
const model = await openCheckpoint(checkpoint);
// Only a control-LoRA needs the base; for other files it changes nothing.
const network = await openControlNet(controlNet, { base: checkpoint });
/** The control picture in the size that is drawn. */
const hint = async (height, width) => {
  const data = await sharp(picture).removeAlpha().resize(width, height, { fit: 'cover' }).raw().toBuffer();
  return hintFrom({ data, height, width });
};
const controls = controlsOf([{ kind: 'controlnet', network, hint, weight: 0.8, end: 0.7 }], 'webui');
for await (const event of textToImage(model, { prompt, seed: 7 }, { controls })) {
  if (event.type !== 'image') continue;
  const { data, width, height } = event.image;
  await sharp(data, { raw: { width, height, channels: 3 } }).toFile('picture.png');
}
await Promise.all([model.dispose(), network.dispose()]);
