import type { FolderConfig } from '../weights/folder-config.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import type { NoiseFacts } from './diffusion-model.ts';
import { readSideCar } from './side-car.ts';

export type Prediction = 'epsilon' | 'v';

/** What is known of how a model was trained; null where nothing says. */
export interface TrainingFacts {
  readonly prediction: Prediction | null;
  readonly noise: NoiseFacts;
}

/** Of all families; scaled-linear. Rombach et al. 2022. */
const BETA_START = 0.00085;
const BETA_END = 0.012;

/**
 * Reads how a model was trained from what the file says of itself: marker tensors (`v_pred`, `ztsnr`), metadata
 * (`modelspec.prediction_type`), and the configuration of the original code that may lie beside it (`name.yaml`).
 * @param folder what the folder of a model says, which settles it
 */
export async function readTraining(source: WeightSource, folder?: FolderConfig): Promise<TrainingFacts> {
  if (folder !== undefined) return trainingOf(folder);
  const says = await readSideCar(source.path);
  return {
    prediction: toPrediction(says('parameterization')) ?? declared(source),
    noise: {
      betaStart: toBeta(says('linear_start')) ?? BETA_START,
      betaEnd: toBeta(says('linear_end')) ?? BETA_END,
      isZeroTerminal: source.tensors.has('ztsnr') || says('zero_terminal_snr') === true,
    },
  };
}

/** What a model’s folder says, completed with what is usual. */
export function trainingOf({ prediction, betaStart, betaEnd, isZeroTerminal }: FolderConfig): TrainingFacts {
  return {
    prediction,
    noise: {
      betaStart: betaStart ?? BETA_START,
      betaEnd: betaEnd ?? BETA_END,
      isZeroTerminal: isZeroTerminal ?? false,
    },
  };
}

function declared({ tensors, metadata }: WeightSource): Prediction | null {
  if (tensors.has('v_pred')) return 'v';
  return toPrediction(metadata.get('modelspec.prediction_type'));
}

function toPrediction(text: unknown): Prediction | null {
  if (typeof text !== 'string') return null;
  const word = text.trim().toLowerCase();
  if (['v', 'v_prediction', 'v-prediction'].includes(word)) return 'v';
  return ['eps', 'epsilon', 'epsilon_prediction'].includes(word) ? 'epsilon' : null;
}

function toBeta(value: unknown): number | null {
  return typeof value === 'number' && value > 0 && value < 1 ? value : null;
}
