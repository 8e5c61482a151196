import { readFile, stat } from 'node:fs/promises';
import { parse as parsePath, join } from 'node:path';
import { parse } from 'yaml';
import type { FolderConfig } from '../weights/folder-config.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import type { NoiseFacts } from './diffusion-model.ts';

export type Prediction = 'epsilon' | 'v';

/** What is known of how a model was trained; null where nothing says. */
export interface TrainingFacts {
  readonly prediction: Prediction | null;
  readonly noise: NoiseFacts;
}

/** Of all families; scaled-linear. Rombach et al. 2022. */
const BETA_START = 0.00085;
const BETA_END = 0.012;
const MAX_CONFIG_BYTES = 256 * 1024;

/**
 * Reads how a model was trained from what the file says of itself: marker tensors (`v_pred`, `ztsnr`), metadata
 * (`modelspec.prediction_type`), and the configuration of the original code that may lie beside it (`name.yaml`).
 * @param folder what the folder of a model says, which settles it
 */
export async function readTraining(source: WeightSource, folder?: FolderConfig): Promise<TrainingFacts> {
  if (folder !== undefined) return trainingOf(folder);
  const config = await readSideCar(source.path);
  return {
    prediction: config.prediction ?? declared(source),
    noise: {
      betaStart: config.betaStart ?? BETA_START,
      betaEnd: config.betaEnd ?? BETA_END,
      isZeroTerminal: source.tensors.has('ztsnr') || config.isZeroTerminal,
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

interface SideCar {
  readonly prediction: Prediction | null;
  readonly betaStart: number | null;
  readonly betaEnd: number | null;
  readonly isZeroTerminal: boolean;
}
const NOTHING: SideCar = { prediction: null, betaStart: null, betaEnd: null, isZeroTerminal: false };

/** What is malformed or too long counts as not there: it is a hint, and the file itself may still be good. */
async function readSideCar(path: string): Promise<SideCar> {
  const { dir, name } = parsePath(path);
  const file = join(dir, `${name}.yaml`);
  try {
    const facts = await stat(file);
    if (!facts.isFile() || facts.size > MAX_CONFIG_BYTES) return NOTHING;
    const config: unknown = parse(await readFile(file, 'utf8'), { maxAliasCount: 100 });
    const params = field(field(config, 'model'), 'params');
    return {
      prediction: toPrediction(field(params, 'parameterization')),
      betaStart: toBeta(field(params, 'linear_start')),
      betaEnd: toBeta(field(params, 'linear_end')),
      isZeroTerminal: field(params, 'zero_terminal_snr') === true,
    };
  } catch {
    return NOTHING;
  }
}

function field(object: unknown, key: string): unknown {
  if (typeof object !== 'object' || object === null || !Object.hasOwn(object, key)) return undefined;
  return (object as Record<string, unknown>)[key];
}

function toBeta(value: unknown): number | null {
  return typeof value === 'number' && value > 0 && value < 1 ? value : null;
}
