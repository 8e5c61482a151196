import { GraphBuilder } from './graph.ts';
import { Session } from './session.ts';

/**
 * Loads ONNX Runtime and runs a graph of one multiplication, to see that it works on this machine. Where the native
 * library does not fit the processor, this ends the process: run it in one that may end.
 * @throws EngineError or Error, if the library cannot be loaded or computes something else.
 */
export async function testRuntime(): Promise<void> {
  const graph = new GraphBuilder();
  const x = graph.input('x', 'float', [1, 2]);
  graph.output('y', graph.op('MatMul', [x, graph.floats([1, 2, 3, 4], [2, 2])]), [1, 2]);
  const session = await Session.open('self-test', graph.build('self-test'));
  const { data } = await session.runOne({ x: { data: Float32Array.of(5, 6), dims: [1, 2] } }, 'y');
  await session.dispose();
  if (data.join() !== '23,34')
    throw new Error(`Expected 23,34 from ONNX Runtime but it computed ${data.join()}`);
}
