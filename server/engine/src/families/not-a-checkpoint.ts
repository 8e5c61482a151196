import { EngineError } from '../errors.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import { kindOf } from './file-kind.ts';
import { locateText, locateVae } from './locate-networks.ts';

const SUPPORTED = 'Checkpoints of Stable Diffusion 1.x, 2.x and SDXL are supported.';

/** An error for a file without a UNet that says what it looks like instead. */
export function notACheckpoint(source: WeightSource): EngineError {
  const hasText = ['cond_stage_model.', 'conditioner.embedders.0.'].some(
    (at) => locateText(source, at) !== null,
  );
  if (hasText && locateVae(source) !== null) {
    return new EngineError('model-invalid', `"${source.name}" has a text encoder and a VAE but no UNet.`, {
      hint: 'Look for another version of the model; this one can lend its VAE and text encoder to others.',
    });
  }
  const { kind, what } = kindOf(source);
  if (kind === 'unknown') {
    return new EngineError('model-invalid', `"${source.name}" is not a known kind of checkpoint.`, {
      hint: SUPPORTED,
    });
  }
  if (kind === 'unsupported') {
    return new EngineError(
      'model-invalid',
      `"${source.name}" looks like ${what}, which is not supported yet.`,
      {
        hint: SUPPORTED,
      },
    );
  }
  return new EngineError('model-invalid', `"${source.name}" looks like ${what}, not a checkpoint.`, {
    hint: 'It is for use with a checkpoint, and belongs in another folder than models/checkpoints.',
  });
}
