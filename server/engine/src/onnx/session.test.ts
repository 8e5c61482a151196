import { expect, it } from 'vitest';
import { GraphBuilder } from './graph.ts';
import { Session } from './session.ts';

const MEBIBYTE = 2 ** 20;

it('keeps no output of a run once nobody refers to it', async () => {
  const graph = new GraphBuilder();
  const x = graph.input('x', 'float', ['n']);
  graph.output('y', graph.op('Add', [x, x]), ['n']);
  const session = await Session.open('adder', graph.build('adder'), { threads: 1 });
  const data = new Float32Array(MEBIBYTE).fill(1); // 4 MiB
  const run = async (times: number): Promise<void> => {
    for (let index = 0; index < times; index += 1) {
      const { data: sum } = await session.runOne({ x: { data, dims: [data.length] } }, 'y');
      expect(sum[index]).toBe(2);
    }
  };
  await run(20);
  const before = process.memoryUsage.rss();
  await run(100);
  // Kept, they would be 400 MiB; some wait for the next collection.
  expect(process.memoryUsage.rss() - before).toBeLessThan(200 * MEBIBYTE);
  await session.dispose();
});
