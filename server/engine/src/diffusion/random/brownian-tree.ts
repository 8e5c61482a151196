import { seedSequence } from './seed-sequence.ts';
import { TorchCpuGenerator } from './torch-cpu.ts';

const POOL_SIZE = 24;

/** Times are kept to six decimals, so that a tree has an end. */
const rounded = (time: number): number => Number(time.toFixed(6));

type Normals = (seed: number, count: number) => Float32Array;

/** A stretch of the path; its halves are made when somebody asks for less than all of it. */
interface Stretch {
  readonly start: number;
  readonly end: number;
  /** How much the path rises from start to end, for each element. */
  readonly increment: Float32Array;
  readonly key: bigint;
  readonly depth: number;
  halves?: readonly [Stretch, Stretch];
}

/**
 * Unit-variance noise between two noise levels, taken from one Brownian path: shorter steps through the same
 * levels see the same path, only finer, so a picture changes little with the number of steps. The sequence is
 * that of k-diffusion's `BrownianTreeNoiseSampler` over `torchsde.BrownianTree` with pool 24 and tolerance 1e-6.
 * @param size Elements of the noise.
 * @param sigmaMin Smallest and `sigmaMax` largest noise level that will be asked for.
 * @param normals Makes the normals of a seed; default: torch's on the CPU.
 * @returns A function of two different levels, `from` above `to`.
 */
export function brownianTreeNoise(
  seed: number,
  size: number,
  sigmaMin: number,
  sigmaMax: number,
  normals: Normals = (own, count) => new TorchCpuGenerator(own).normals(count),
): (from: number, to: number) => Float32Array {
  const entropy = BigInt(seed);
  const [rootSeed] = seedSequence(entropy, [], POOL_SIZE, 1);
  const spread = Math.sqrt(sigmaMax - sigmaMin);
  const root: Stretch = {
    start: rounded(sigmaMin),
    end: rounded(sigmaMax),
    increment: normals(rootSeed, size).map((normal) => normal * spread),
    key: 0n,
    depth: 0,
  };
  const clamp = (time: number) => rounded(Math.min(Math.max(time, root.start), root.end));
  return (from, to) => {
    const factor = -1 / Math.sqrt(Math.abs(to - from));
    return rise(root, clamp(to), clamp(from), { entropy, normals }).map((value) => value * factor);
  };
}

interface Source {
  readonly entropy: bigint;
  readonly normals: Normals;
}

/** The rise from one time to a later one within a stretch. */
function rise(within: Stretch, from: number, to: number, source: Source): Float32Array {
  const sum = new Float32Array(within.increment.length);
  const open = [within];
  for (let stretch = open.pop(); stretch; stretch = open.pop()) {
    if (stretch.end <= from || stretch.start >= to) continue;
    if (from <= stretch.start && stretch.end <= to) {
      for (let i = 0; i < sum.length; i++) sum[i] += stretch.increment[i];
    } else {
      stretch.halves ??= split(stretch, source);
      open.push(stretch.halves[1], stretch.halves[0]);
    }
  }
  return sum;
}

/** Brownian bridge: the middle lies on the line between the ends, plus noise seeded by the place in the tree. */
function split(
  { start, end, increment, key, depth }: Stretch,
  { entropy, normals }: Source,
): [Stretch, Stretch] {
  const middle = rounded(0.5 * (start + end));
  const share = (middle - start) / (end - start);
  const deviation = Math.sqrt((middle - start) * (1 - share));
  const [seed] = seedSequence(entropy, [key, BigInt(depth)], POOL_SIZE, 1);
  const noise = normals(seed, increment.length);
  const left = increment.map((value, i) => share * value + deviation * noise[i]);
  const right = increment.map((value, i) => value - left[i]);
  return [
    { start, end: middle, increment: left, key: 2n * key, depth: depth + 1 },
    { start: middle, end, increment: right, key: 2n * key + 1n, depth: depth + 1 },
  ];
}
