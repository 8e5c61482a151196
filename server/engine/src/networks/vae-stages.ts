import { EngineError } from '../errors.ts';
import { GraphBuilder, type OnnxModel } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import { NORM_GROUPS } from './layers.ts';
import * as parts from './vae-blocks.ts';
import type { Planes, VaeScope } from './vae-blocks.ts';

/** Planes between two stages: a picture's activations, or what goes past a residual block. */
export type PlanesName = 'x' | 'inner' | 'enlarged';

/** What a stage computes with: it has one group norm at most. */
type Build = (scope: VaeScope, planes: Record<PlanesName, Planes>) => Partial<Record<PlanesName, Planes>>;

/**
 * A part of a network between two group norms, so that it can be computed in tiles: what the norm needs to know of the whole
 * picture has been gathered when it starts.
 *
 * Graph inputs are named as the planes, with `statistics` [2, 1, 32, 1] (mean and variance) where there is a norm; outputs are
 * named `new_x` and so on.
 */
export interface Stage {
  readonly model: OnnxModel;
  readonly reads: readonly PlanesName[];
  /** Places around a tile that its inputs need. */
  readonly margin: number;
  readonly writes: readonly PlanesName[];
  /** Of those written: may be put over what was read, tile by tile, since a place of it matters to its own place only. */
  readonly overwrites: readonly PlanesName[];
  /** Only their statistics are wanted. */
  readonly forgets: readonly PlanesName[];
  /** No longer needed afterwards. */
  readonly frees: readonly PlanesName[];
  /** Planes whose statistics the norm gets. */
  readonly norm?: { readonly planes: PlanesName; readonly groups: number };
  /** Side of the result for each of the input's: 0.5, 1 or 2. */
  readonly scale: number;
  /** Channels of all planes that are kept while it runs, each times its area in latents. */
  readonly keptPerLatent: number;
}

type StageFacts = Pick<Stage, 'reads' | 'margin'> &
  Partial<Pick<Stage, 'overwrites' | 'forgets' | 'frees' | 'scale'>> & { readonly normOf?: PlanesName };

/** Builds stage after stage, keeping account of the planes between them. */
export class StageList {
  readonly stages: Stage[] = [];
  readonly #title: string;
  readonly #channels = new Map<PlanesName, number>();
  readonly #areas = new Map<PlanesName, number>();

  /** @param area of the first planes, in latents */
  constructor(title: string, channels: number, area: number) {
    this.#title = title;
    this.#channels.set('x', channels);
    this.#areas.set('x', area);
  }

  get channels(): number {
    return this.#channels.get('x') ?? 0;
  }

  add(facts: StageFacts, build: Build): void {
    const { reads, margin, normOf, scale = 1, overwrites = [], forgets = [], frees = [] } = facts;
    const graph = new GraphBuilder();
    const inputs = Object.fromEntries(
      reads.map((name) => {
        const channels = this.#channels.get(name) ?? 0;
        const value = graph.input(name, 'float', ['batch', channels, `${name}_height`, `${name}_width`]);
        return [name, { value, channels }];
      }),
    ) as Record<PlanesName, Planes>;
    const outputs = build(normOf === undefined ? { graph } : givenNorm(graph), inputs);
    const area = (this.#areas.get(reads[0] ?? 'x') ?? 1) * scale ** 2;
    const before = this.#kept();
    let added = 0;
    for (const [name, { value, channels }] of Object.entries(outputs) as [PlanesName, Planes][]) {
      graph.output(`new_${name}`, value, ['batch', channels, 'new_height', 'new_width']);
      if (forgets.includes(name)) continue;
      if (!overwrites.includes(name)) added += channels * area;
      this.#channels.set(name, channels);
      this.#areas.set(name, area);
    }
    for (const name of frees) this.#channels.delete(name);
    this.stages.push({
      reads,
      margin,
      overwrites,
      forgets,
      frees,
      scale,
      ...(normOf === undefined ? {} : { norm: { planes: normOf, groups: NORM_GROUPS } }),
      writes: Object.keys(outputs) as PlanesName[],
      model: { ...graph.build(`${this.#title}, stage ${this.stages.length}`), blocksChannels: true },
      keptPerLatent: before + added,
    });
  }

  #kept(): number {
    let sum = 0;
    for (const [name, channels] of this.#channels) sum += channels * (this.#areas.get(name) ?? 0);
    return sum;
  }
}

function givenNorm(graph: GraphBuilder): VaeScope {
  const statistics = graph.input('statistics', 'float', [2, 1, NORM_GROUPS, 1]);
  const part = (index: number): { name: string } =>
    graph.op('Reshape', [
      graph.op('Gather', [statistics, graph.ints([index])]),
      graph.ints([1, NORM_GROUPS, 1]),
    ]);
  return { graph, statistics: { mean: part(0), variance: part(1) } };
}

/**
 * Stages of the residual blocks `from` and on of a level.
 * @throws EngineError `model-invalid` if the level has attention, which sees the whole picture; no published VAE has it there
 */
export function addBlocks(list: StageList, level: Weights, from = 0): void {
  if (level.under('attn').numbers.size > 0) {
    throw new EngineError(
      'model-invalid',
      `The VAE in "${level.source.name}" cannot be computed in tiles: it has attention on large planes.`,
      { hint: 'Choose a smaller picture or another VAE.' },
    );
  }
  const block = level.under('block');
  for (let index = from; index < block.count; index += 1) {
    addFirst(list, block.under(index));
    addSecond(list, block.under(index));
  }
}

function addFirst(list: StageList, weights: Weights): void {
  const isSame = !weights.under('nin_shortcut').has('weight');
  list.add({ reads: ['x'], margin: 1, normOf: 'x' }, (scope, { x }) => ({
    inner: parts.residualFirst(scope, weights, x),
    ...(isSame ? {} : { x: parts.skipped(scope, weights, x) }),
  }));
}

export function addSecond(list: StageList, weights: Weights): void {
  list.add(
    { reads: ['inner', 'x'], margin: 1, normOf: 'inner', overwrites: ['x'], frees: ['inner'] },
    (scope, { inner, x }) => ({
      x: parts.residualSecond(scope, weights, inner, x),
    }),
  );
}
