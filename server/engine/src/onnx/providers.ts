import type * as Runtime from 'onnxruntime-node';
import type { InferenceSession } from 'onnxruntime-node';

/** Where networks can run; names of ONNX Runtime's execution providers. */
export const PROVIDERS = ['cpu', 'cuda', 'tensorrt', 'dml', 'coreml', 'webgpu'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** What people know them as. */
const TITLES: Readonly<Record<Provider, string>> = {
  cpu: 'The CPU',
  cuda: 'CUDA',
  tensorrt: 'TensorRT',
  dml: 'DirectML',
  coreml: 'Core ML',
  webgpu: 'WebGPU',
};

/** What each needs that the package from the registry does not bring. */
const NEEDS: Readonly<Record<Provider, string>> = {
  cpu: '',
  cuda: 'an NVIDIA card with its driver, CUDA 12 and cuDNN 9, and ONNX Runtime’s CUDA files (`npm rebuild onnxruntime-node` with ONNXRUNTIME_NODE_INSTALL=cuda12)',
  tensorrt: 'an NVIDIA card with its driver, CUDA 12, cuDNN 9 and TensorRT 10, and ONNX Runtime’s CUDA files',
  dml: 'Windows 10 or newer with a DirectX 12 card',
  coreml: 'macOS',
  webgpu: 'a card with a Vulkan, Metal or DirectX 12 driver',
};

/**
 * Opens a native session on `provider`, or on the CPU where that is not to be had, in which case `onNotice` is told why in
 * a sentence for people. Operators that a provider does not have run on the CPU in any case.
 */
export async function createOn(
  runtime: typeof Runtime,
  provider: Provider,
  create: (providers: readonly string[]) => Promise<InferenceSession>,
  onNotice?: (text: string) => void,
): Promise<InferenceSession> {
  if (provider === 'cpu') return create(['cpu']);
  const isBuiltIn = runtime.listSupportedBackends().some(({ name }) => name === provider);
  let reason = `this build of ONNX Runtime for ${process.platform} has no such part`;
  if (isBuiltIn) {
    try {
      return await create([provider, 'cpu']);
    } catch (cause) {
      reason = firstSentence(cause);
    }
  }
  // A damaged model fails here too, with its own message.
  const native = await create(['cpu']);
  onNotice?.(
    `${TITLES[provider]} is not available (${reason}); the CPU is used. It needs ${NEEDS[provider]}.`,
  );
  return native;
}

/** Of what ONNX Runtime says: the rest is about its own sources. */
function firstSentence(cause: unknown): string {
  const said = cause instanceof Error ? cause.message : String(cause);
  const withoutSources = said.replace(/^(?:\/\S+ )?(?:\S+::)*\S*\([^)]*\)(?:::<lambda\(\)>)? /, '');
  return withoutSources.split(/[\n.]/, 1)[0]!.slice(0, 200).trim();
}
