import { EngineError } from '../errors.ts';
import { hypernetwork, type Hypernetwork } from '../networks/hypernetwork.ts';
import type { LiveNumber } from '../onnx/graph.ts';
import { openWeights } from '../weights/open-weights.ts';
import type { Weights } from '../weights/weights.ts';
import { readAs } from './read-as.ts';
import type { CheckpointParts } from './recognise.ts';

/** A hypernetwork with its strength, 1 = as trained. */
export interface HypernetworkUse {
  readonly hypernetwork: Hypernetwork;
  readonly strength: number;
}

/** A hypernetwork in use; the strength may be set between runs. */
export interface AppliedHypernetwork {
  readonly name: string;
  readonly strength: LiveNumber;
}

/**
 * Opens a hypernetwork of the webui where it lies.
 * @throws EngineError `model-not-found`, or `model-invalid` that says what the file is or what is wrong with it
 */
export async function openHypernetwork(path: string): Promise<Hypernetwork> {
  const source = await openWeights(path);
  return readAs('hypernetwork', source, () => hypernetwork(source));
}

/** What goes into the UNet for hypernetworks, each acting on what those before it made. */
export function withHypernetworks(
  { unet }: Pick<CheckpointParts, 'unet'>,
  uses: readonly HypernetworkUse[],
): { attachments: NonNullable<CheckpointParts['attachments']>; applied: AppliedHypernetwork[] } {
  const widths = uses.length === 0 ? new Set<number>() : sourceWidthsOf(unet);
  const applied = uses.map(({ hypernetwork: { name, widths: own }, strength }, index) => {
    if (!own.some((width) => widths.has(width))) {
      throw new EngineError(
        'model-invalid',
        `"${name}" changes sources of attention ${own.join(', ')} wide; "${unet.source.name}" has ${[...widths].join(', ')}.`,
        { hint: 'It was made for another kind of model; choose a model of the kind that it was made for.' },
      );
    }
    return { name, strength: { name: `hypernetwork${index}`, value: strength } };
  });
  const attachments = uses.map(({ hypernetwork }, index) => ({
    source: hypernetwork.source,
    hooks: hypernetwork.hooks(applied[index]!.strength),
  }));
  return { attachments, applied };
}

/** Of what the UNet's attentions make keys from. */
function sourceWidthsOf({ source, prefix }: Weights): Set<number> {
  const widths = new Set<number>();
  for (const [name, { shape }] of source.tensors) {
    if (name.startsWith(prefix) && name.endsWith('.to_k.weight')) widths.add(shape[1] ?? 0);
  }
  return widths;
}
