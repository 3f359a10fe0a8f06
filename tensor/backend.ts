import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import util from 'node:util';
import type * as TensorFlow from '@tensorflow/tfjs';
import { ConfigError, ResourceError } from '../core/errors.ts';

/** The TensorFlow.js namespace. */
export type Tf = typeof TensorFlow;

/** Raw operations of the native library, by the names of TensorFlow's op registry. */
export interface NativeOps {
  readonly binding: Readonly<Record<string, number>>;
  executeSingleOutput(name: string, attributes: readonly object[], inputs: readonly TensorFlow.Tensor[]): TensorFlow.Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: readonly object[],
    inputs: readonly TensorFlow.Tensor[],
    outputs: number,
  ): TensorFlow.Tensor[];
}

/** Where the sums are done, best first. */
const NAMES = ['tensorflow', 'wasm', 'cpu', 'webgpu'] as const;

/** A loaded backend. */
export interface Backend {
  readonly tf: Tf;
  readonly name: (typeof NAMES)[number];
  /** Version of the library that does the sums. */
  readonly version: string;
  readonly device: 'CPU' | 'GPU';
  readonly isGpu: boolean;
  /** Threads within one operation; 1 where there is no pool. */
  readonly threads: number;
  /** Present on the native backend only. */
  readonly native: NativeOps | undefined;
}

/** Variables to set before a process that trains starts: quiet logs, an allocator that keeps big blocks, GPU memory on demand, repeatable sums. */
export const TENSOR_ENV: Readonly<Record<string, string>> = {
  TF_CPP_MIN_LOG_LEVEL: '2',
  TF_FORCE_GPU_ALLOW_GROWTH: 'true',
  TF_DETERMINISTIC_OPS: '1',
  MALLOC_MMAP_THRESHOLD_: '4294967296',
  MALLOC_TRIM_THRESHOLD_: '8589934592',
  MALLOC_TOP_PAD_: '268435456',
};

type Require = (name: string) => unknown;
type Log = (line: string) => void;

const MEND = 'Mend: npm start, or panelflow setup.';
const SLOWER = { wasm: 'in WebAssembly, about 8x slower than native TensorFlow', cpu: 'in plain JavaScript, about 150x slower' };

let loading: Promise<Backend> | undefined;

/**
 * Loads TensorFlow once per process: the native library, else WebAssembly, else plain JavaScript, with one line to `log` when it is slower
 * than it could be. PANELFLOW_TENSOR chooses one by name (also `webgpu`); throws ConfigError for an unknown word, ResourceError when the
 * chosen one does not load.
 */
export function loadBackend(log: Log = () => {}): Promise<Backend> {
  loading ??= openBackend(process.env.PANELFLOW_TENSOR || 'auto', log);
  return loading;
}

/** Loads a backend by name, `auto` for the best. One a process: the last one opened is the one that tensors live on. */
export async function openBackend(choice: string, log: Log, require: Require = createRequire(import.meta.url)): Promise<Backend> {
  if (choice === 'auto') return openBest(log, require);
  const name = NAMES.find((known) => known === choice);
  if (!name) {
    throw new ConfigError(`PANELFLOW_TENSOR is "${choice}", which is no backend`, {
      mend: `Set it to auto, ${NAMES.join(', ').replace(/, (\w+)$/, ' or $1')}, or not at all.`,
    });
  }
  try {
    const backend = await OPEN[name](require, log);
    if (name === 'wasm' || name === 'cpu') log(`PANELFLOW_TENSOR=${name}: training runs ${SLOWER[name]}.`);
    return backend;
  } catch (cause) {
    const mend = cause instanceof ResourceError ? cause.mend : 'Run `panelflow setup`, or unset PANELFLOW_TENSOR.';
    throw new ResourceError(`The backend that PANELFLOW_TENSOR asks for, ${name}, does not load (${why(cause)})`, {
      cause,
      mend,
      retryable: false,
    });
  }
}

async function openBest(log: Log, require: Require): Promise<Backend> {
  const failed: string[] = [];
  for (const [name, what] of [
    ['tensorflow', 'Native TensorFlow'],
    ['wasm', 'WebAssembly'],
  ] as const) {
    try {
      const backend = await OPEN[name](require, log);
      if (name === 'wasm') log(`${failed[0]}; training runs ${SLOWER.wasm}. ${MEND}`);
      return backend;
    } catch (error) {
      failed.push(`${what} does not load (${why(error)})`);
    }
  }
  log(`${failed.join('; ')}; training runs ${SLOWER.cpu}. ${MEND}`);
  return OPEN.cpu(require, log);
}

const why = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0].trim();

const OPEN: Readonly<Record<Backend['name'], (require: Require, log: Log) => Promise<Backend>>> = {
  tensorflow: openNative,
  wasm: async (require) => {
    const tf = plainTf(require);
    const { version_wasm: version } = require('@tensorflow/tfjs-backend-wasm') as { version_wasm: string };
    const { mendKernels } = await import('./wasm.ts');
    await start(tf, 'wasm');
    mendKernels(tf);
    return { tf, name: 'wasm', version, device: 'CPU', isGpu: false, threads: 1, native: undefined };
  },
  cpu: async (require) => {
    const tf = plainTf(require);
    await start(tf, 'cpu');
    return { tf, name: 'cpu', version: tf.version.tfjs, device: 'CPU', isGpu: false, threads: 1, native: undefined };
  },
  webgpu: openWebGpu,
};

async function openNative(require: Require, log: Log): Promise<Backend> {
  for (const [name, value] of Object.entries(TENSOR_ENV)) if (name.startsWith('TF_')) process.env[name] ??= value;
  // tfjs-node 4.22 still calls these two, which Node 23 removed.
  Object.assign(util, {
    isNullOrUndefined: (x: unknown) => x === null || x === undefined,
    isArray: Array.isArray,
  });
  const tf = require('@tensorflow/tfjs-node') as Tf;
  const native = tf.backend() as unknown as NativeOps & { isUsingGpuDevice: boolean; binding: { TF_Version: string } };
  const isGpu = native.isUsingGpuDevice;
  if (!isGpu) await sayOfGpu(log);
  const threads = Number(process.env.TF_NUM_INTRAOP_THREADS) || availableParallelism();
  return { tf, name: 'tensorflow', version: native.binding.TF_Version, device: isGpu ? 'GPU' : 'CPU', isGpu, threads, native };
}

/** One line where the library and the machine do not fit: a GPU build without a GPU, or a GPU that is left idle. */
async function sayOfGpu(log: Log): Promise<void> {
  const { placedLibrary } = await import('./native.ts');
  const hasGpu = existsSync('/dev/nvidia0');
  if ((await placedLibrary())?.flavour === 'gpu') {
    log(
      `The GPU build of TensorFlow ${hasGpu ? 'cannot use the GPU here' : 'sees no GPU here'}; training runs on the CPU, as fast as with the CPU build.`,
    );
  } else if (hasGpu) log('There is a GPU here, but TensorFlow is the CPU build. To use it: panelflow setup --gpu.');
}

const WEBGPU = ['webgpu', '@tensorflow/tfjs-backend-webgpu'] as const;

interface Dawn {
  readonly globals: object;
  create(options: readonly string[]): { requestAdapter(): Promise<object | null> };
}

/** WebGPU through Dawn, for GPUs with a Vulkan driver and no CUDA; its packages are the user's to install. Refused where results cannot be read at once. */
async function openWebGpu(require: Require): Promise<Backend> {
  const [dawnName, backendName] = WEBGPU;
  const missing = (cause: unknown): never => {
    throw new ResourceError(why(cause), {
      cause,
      mend: `Run \`npm install ${WEBGPU.join(' ')}\`, or unset PANELFLOW_TENSOR.`,
      retryable: false,
    });
  };
  const tf = plainTf(require);
  const dawn = (await import(dawnName).catch(missing)) as Dawn;
  const gpu = dawn.create([]);
  if (!(await gpu.requestAdapter())) {
    throw new ResourceError('no adapter', { mend: 'WebGPU needs a GPU with a Vulkan driver. Unset PANELFLOW_TENSOR.', retryable: false });
  }
  const world = Object.assign(globalThis as { navigator?: object }, dawn.globals);
  world.navigator ??= {};
  Object.defineProperty(world.navigator, 'gpu', { value: gpu, configurable: true });
  await import(backendName).catch(missing);
  await start(tf, 'webgpu');
  try {
    tf.tidy(() => tf.matMul(tf.ones([64, 64]), tf.ones([64, 64])).dataSync());
  } catch (cause) {
    throw new ResourceError('its results come later only, and training reads them at once', {
      cause,
      mend: 'In Node, WebGPU lacks an OffscreenCanvas for that. Unset PANELFLOW_TENSOR.',
      retryable: false,
    });
  }
  return { tf, name: 'webgpu', version: tf.version.tfjs, device: 'GPU', isGpu: true, threads: 1, native: undefined };
}

function plainTf(require: Require): Tf {
  const tf = require('@tensorflow/tfjs') as Tf;
  tf.env().set('PROD', true);
  return tf;
}

async function start(tf: Tf, name: string): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Error(`TensorFlow.js cannot start its ${name} backend`);
}
