import { EngineError } from '../errors.ts';
import { GraphBuilder, type Value } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import { conv, floatTensor } from './layers.ts';
import { describeUpscaler, type UpscalerModel } from './upscaler-model.ts';

/**
 * Real-ESRGAN's compact network (`SRVGGNetCompact`, github.com/xinntao/Real-ESRGAN): convolutions with learned slopes
 * (`body.N`, in turn), then all pixels of a square at once, added to the enlarged input. Depth, width and scale follow
 * from the shapes.
 *
 * Input `pixels` in 0…1 [batch, 3, height, width]; output `enlarged`.
 */
export function compactUpscaler(weights: Weights): UpscalerModel {
  const graph = new GraphBuilder();
  const pixels = graph.input('pixels', 'float', ['batch', 3, 'height', 'width']);
  const body = weights.under('body');
  const last = Math.max(...body.numbers);
  let x: Value = pixels;
  let channels = 3;
  let width = 3;
  for (let index = 0; index <= last; index += 2) {
    const layer = body.under(index);
    const [outputs = 0] = floatTensor(layer, 'weight', [null, channels, 3, 3]).shape;
    x = conv(graph, layer, x, { inputs: channels });
    channels = outputs;
    if (index === last) break;
    width = Math.max(width, outputs);
    const slopes = floatTensor(body.under(index + 1), 'weight', [channels]);
    x = graph.op('PRelu', [x, graph.weight(slopes, [channels, 1, 1])]);
  }
  const scale = Math.round(Math.sqrt(channels / 3));
  if (3 * scale ** 2 !== channels || scale < 1) {
    throw new EngineError(
      'model-invalid',
      `The upscaler in "${weights.source.name}" ends in ${channels} channels; three times a square was expected.`,
      { hint: 'The file is damaged or of a kind that is not supported; look for another version of it.' },
    );
  }
  const inner = scale === 1 ? x : graph.op('DepthToSpace', [x], { blocksize: scale, mode: 'CRD' });
  const enlarged = graph.op('Resize', [pixels, null, graph.floats([1, 1, scale, scale])], {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  });
  graph.output('enlarged', graph.op('Add', [inner, enlarged]), ['batch', 3, 'out_height', 'out_width']);
  return describeUpscaler(graph, 'compact upscaler', {
    scale,
    multiple: 1,
    width: Math.max(3, width / scale ** 2),
  });
}
