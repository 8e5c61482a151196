import { EngineError } from '../errors.ts';
import { Weights } from '../weights/weights.ts';
import { compactUpscaler } from './compact-upscaler.ts';
import { rrdbNet } from './esrgan.ts';
import type { UpscalerModel } from './upscaler-model.ts';

/** What training programs wrap the weights in; the averaged ones are those to use. */
const WRAPPINGS = ['', 'params_ema.', 'params.', 'state_dict.', 'module.', 'netG.', 'generator.'];

/**
 * Finds out which upscaler the weights are, from names and shapes.
 * @throws EngineError `model-invalid` if it is none of the ESRGAN family
 */
export function upscalerNetwork(weights: Weights): UpscalerModel {
  for (const prefix of WRAPPINGS) {
    const inner = new Weights(weights.source, weights.prefix + prefix);
    if (inner.has('conv_first.weight') || inner.has('model.0.weight')) return rrdbNet(inner);
    const isCompact = inner.has('body.0.weight') && inner.has('body.1.weight');
    if (isCompact && inner.tensor('body.0.weight').shape.length === 4) return compactUpscaler(inner);
  }
  throw new EngineError(
    'model-invalid',
    `"${weights.source.name}" is not an upscaler of the ESRGAN or Real-ESRGAN family.`,
    { hint: 'Upscalers of other kinds (SwinIR, DAT, HAT, LDSR) are not supported.' },
  );
}
