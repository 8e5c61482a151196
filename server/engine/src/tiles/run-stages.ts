import { KeptPlanes, type TileMiddle } from './kept-planes.ts';
import { crop, partition, type Span, type TilePlanes, type TileProgress } from './tiling.ts';

/** A step from some planes to others that can be computed in tiles. `Stage` of the VAE is one. */
export interface TiledStage {
  readonly reads: readonly string[];
  /** Places around a tile that its inputs need; even where `scale` is 0.5. */
  readonly margin: number;
  readonly writes: readonly string[];
  /** Of those written: may be put over what was read, tile by tile, since a place of it matters to its own place only. */
  readonly overwrites: readonly string[];
  /** Of those written: only their statistics are wanted. */
  readonly forgets: readonly string[];
  /** No longer needed afterwards. */
  readonly frees: readonly string[];
  /** Planes whose statistics are wanted, for so many groups of channels. */
  readonly norm?: { readonly planes: string; readonly groups: number };
  /** Side of the result for each of the input's: 0.5, 1 or 2. */
  readonly scale: number;
}

/** Computes one tile of a stage: planes by name to planes by name. `statistics`: means, then variances, of the groups. */
export type RunStage<Stage> = (
  stage: Stage,
  inputs: ReadonlyMap<string, TilePlanes>,
  statistics: Float32Array | null,
) => Promise<ReadonlyMap<string, TilePlanes>>;

/** A tile of a stage's input. */
interface Tile {
  readonly rows: Span;
  readonly columns: Span;
}

/**
 * Runs stages one after the other, each in tiles, yielding after each tile; returns the planes called `x` in the end. The
 * result is that of the whole picture at once: a tile sees what lies around it, and norms get statistics of everything.
 * @param start the planes called `x` at first
 * @param side of a tile, in places of the larger of a stage's input and result
 */
export async function* runStages<Stage extends TiledStage>(
  stages: readonly Stage[],
  start: TilePlanes,
  side: number,
  run: RunStage<Stage>,
): AsyncGenerator<TileProgress, TilePlanes> {
  const kept = new Map([['x', new KeptPlanes(start)]]);
  const plans = planTiles(stages, start, side);
  const tiles = plans.reduce((sum, plan) => sum + plan.length, 0);
  let done = 0;
  for (const [index, stage] of stages.entries()) {
    const { norm } = stage;
    const statistics = norm === undefined ? null : need(kept, norm.planes).statistics(norm.groups);
    const written = new Map<string, KeptPlanes>();
    for (const tile of plans[index]!) {
      const inputs = new Map(
        stage.reads.map((name) => [name, cut(need(kept, name).planes, tile, stage.margin)]),
      );
      for (const [name, result] of await run(stage, inputs, statistics)) {
        let whole = written.get(name);
        if (whole === undefined) written.set(name, (whole = receiver(stage, kept, name, result.channels)));
        whole.put(result, middleOf(tile, stage));
      }
      done += 1;
      yield { tile: done, tiles };
    }
    for (const [name, planes] of written) kept.set(name, planes);
    for (const name of stage.frees) kept.delete(name);
  }
  return need(kept, 'x').planes;
}

/** The tiles of each stage: all planes that a stage reads are of one size. */
function planTiles(stages: readonly TiledStage[], start: TilePlanes, side: number): Tile[][] {
  let { height, width } = start;
  return stages.map((stage) => {
    const step = Math.max(1, 1 / stage.scale);
    const longest = Math.max(step, Math.floor(side / Math.max(1, stage.scale)));
    const columns = partition(width, longest, step);
    const plan = partition(height, longest, step).flatMap((rows) =>
      columns.map((span) => ({ rows, columns: span })),
    );
    if (stage.forgets.length < stage.writes.length) {
      height *= stage.scale;
      width *= stage.scale;
    }
    return plan;
  });
}

function need(kept: ReadonlyMap<string, KeptPlanes>, name: string): KeptPlanes {
  const planes = kept.get(name);
  if (planes === undefined)
    throw new RangeError(`A stage reads "${name}", which no stage before it has written.`);
  return planes;
}

function cut(planes: TilePlanes, { rows, columns }: Tile, margin: number): TilePlanes {
  return crop(planes, widened(rows, margin, planes.height), widened(columns, margin, planes.width));
}

/** With its surroundings, as far as there are any. */
function widened({ start, length }: Span, margin: number, limit: number): Span {
  const first = Math.max(0, start - margin);
  return { start: first, length: Math.min(limit, start + length + margin) - first };
}

/** What a stage's results are put into. */
function receiver(
  stage: TiledStage,
  kept: ReadonlyMap<string, KeptPlanes>,
  name: string,
  channels: number,
): KeptPlanes {
  const before = need(kept, stage.reads[0]!).planes;
  const height = before.height * stage.scale;
  const width = before.width * stage.scale;
  if (stage.overwrites.includes(name)) return new KeptPlanes(need(kept, name).planes);
  const isForgotten = stage.forgets.includes(name);
  const data = new Float32Array(isForgotten ? 0 : channels * height * width);
  return new KeptPlanes({ data, channels, height, width }, isForgotten);
}

function middleOf({ rows, columns }: Tile, { scale, margin }: TiledStage): TileMiddle {
  const scaled = ({ start, length }: Span): Span => ({ start: start * scale, length: length * scale });
  const from = { row: Math.min(margin, rows.start) * scale, column: Math.min(margin, columns.start) * scale };
  return { rows: scaled(rows), columns: scaled(columns), from };
}
