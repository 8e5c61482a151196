// npm run build && node server/engine/examples/from-a-picture.mjs <checkpoint> <picture> "a green apple" [mask]
//
// Makes a picture from another one, and where there is a mask, draws only what is white in it.
import { imageToImage, inpaint, openCheckpoint } from '@atelier/engine';
import sharp from 'sharp';

const [, , checkpoint, picture, prompt = 'a green apple', maskFile] = process.argv;

/** 8-bit pixels of a file: three values a pixel, or one. */
async function pixels(file, colours) {
  const { data, info } = await sharp(file)
    .removeAlpha()
    .toColourspace(colours === 3 ? 'srgb' : 'b-w')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data: new Uint8Array(data), width: info.width, height: info.height };
}

const model = await openCheckpoint(checkpoint);
const request = { prompt, image: await pixels(picture, 3), strength: 0.6, seed: 7 };
const events = maskFile
  ? inpaint(model, { ...request, mask: await pixels(maskFile, 1) })
  : imageToImage(model, request);
for await (const event of events) {
  if (event.type === 'step') console.log(`step ${event.step} of ${event.steps}`);
  if (event.type !== 'image') continue;
  const { data, width, height } = event.image;
  await sharp(data, { raw: { width, height, channels: 3 } }).toFile('picture.png');
}
await model.dispose();
