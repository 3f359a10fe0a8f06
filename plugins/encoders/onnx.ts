import { existsSync } from 'node:fs';
import { DataError, ResourceError, z } from '../contract.ts';
import { defineEncoder } from '../spatial-contract.ts';
import { encodePatches, NETWORK } from './_encode.ts';
import { FOREIGN, inputSize, pooled } from './_network.ts';

const params = z.strictObject({
  ...NETWORK,
  ...FOREIGN,
  pixels: FOREIGN.pixels.default('imagenet'),
  model: z.string().min(1).describe('an .onnx file that takes pictures and gives features, or maps, which are averaged'),
  output: z.string().optional().describe('which output; default the first'),
});

/** The part of onnxruntime-node that is used. */
interface Runtime {
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => OnnxTensor;
  readonly InferenceSession: { create(path: string, options: object): Promise<Session> };
}

interface OnnxTensor {
  readonly data: unknown;
  readonly dims: readonly number[];
}

interface Session {
  readonly inputMetadata: readonly { readonly name: string; readonly shape: readonly (number | string)[] }[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, OnnxTensor>>, wanted: readonly string[]): Promise<Readonly<Record<string, OnnxTensor>>>;
  release(): Promise<void>;
}

/** Any network in ONNX, run by onnxruntime-node, which is the user's to install (288 MB). */
export default defineEncoder({
  id: 'onnx',
  version: 1,
  summary: 'Features from your own network in ONNX; needs the package onnxruntime-node.',
  params,
  files: (p) => [p.model],
  run: async (context, inputs, p) => {
    const { channelsFirst, pixelValues } = await import('../../data/pixels.ts');
    const runtime = await loadRuntime();
    const session = await openSession(runtime, p.model, context.threads);
    try {
      const [input] = session.inputMetadata;
      const isFirst = input.shape[1] === 3;
      const [height, width, channels] = (isFirst ? [2, 3, 1] : [1, 2, 3]).map((at) => known(input.shape[at]));
      const size = inputSize(p.model, { height, width, channels }, p.size);
      const output = chosen(session.outputNames, p.output, p.model);
      const encode = async (pixels: Uint8Array, patches: number): Promise<Float32Array> => {
        const plain = pixelValues(pixels, p.pixels);
        const values = isFirst ? channelsFirst(plain, size * size) : plain;
        const shape = isFirst ? [patches, 3, size, size] : [patches, size, size, 3];
        const found = await session.run({ [input.name]: new runtime.Tensor('float32', values, shape) }, [output]);
        const { data, dims } = found[output];
        return pooled(data as Float32Array, dims, { file: p.model, channelsFirst: isFirst });
      };
      // a file made for a fixed number of pictures takes just so many
      const fixed = known(input.shape[0]);
      const block = fixed ?? p.batch;
      const whole = fixed === undefined ? encode : (pixels: Uint8Array, patches: number) => filledUp(encode, { pixels, patches, fixed });
      return await encodePatches(context, inputs, p, { id: 'onnx', size, views: p.views, block, encode: whole });
    } finally {
      await session.release();
    }
  },
});

const known = (dimension: number | string | undefined): number | undefined =>
  typeof dimension === 'number' && dimension > 0 ? dimension : undefined;

async function loadRuntime(): Promise<Runtime> {
  // named in a variable: the package is no dependency, so neither the compiler nor knip shall look for it
  const name = 'onnxruntime-node';
  try {
    const module = (await import(name)) as Runtime & { readonly default?: Runtime };
    return module.default ?? module;
  } catch (cause) {
    throw new ResourceError('encoder/onnx needs the package onnxruntime-node, which does not load', {
      cause,
      context: { reason: (cause as Error).message.split('\n')[0] },
      mend: 'Run `npm i onnxruntime-node` (288 MB). Where its install script fails: ONNXRUNTIME_NODE_INSTALL=skip npm i onnxruntime-node, for the CPU.',
      retryable: false,
    });
  }
}

async function openSession(runtime: Runtime, file: string, threads: number): Promise<Session> {
  if (!existsSync(file)) throw new DataError('The network does not exist', { context: { file }, mend: 'Check the path of `model`.' });
  try {
    return await runtime.InferenceSession.create(file, { intraOpNumThreads: threads, interOpNumThreads: 1 });
  } catch (cause) {
    throw new DataError('The file is no ONNX network that can be run', {
      cause,
      context: { file, reason: (cause as Error).message.split('\n')[0].slice(0, 200) },
      mend: 'Export it again, e.g. with torch.onnx.export; weights beside the .onnx must lie in the same folder.',
    });
  }
}

function chosen(names: readonly string[], asked: string | undefined, file: string): string {
  const found = asked === undefined ? names[0] : names.find((name) => name === asked);
  if (found !== undefined) return found;
  throw new DataError(`The network has no output "${asked}"`, { context: { file }, mend: `Outputs there: ${names.join(', ')}.` });
}

type Encode = (pixels: Uint8Array, patches: number) => Promise<Float32Array>;

/** Runs fewer patches than the network takes, with black ones for the rest. */
async function filledUp(
  encode: Encode,
  { pixels, patches, fixed }: { readonly pixels: Uint8Array; readonly patches: number; readonly fixed: number },
): Promise<Float32Array> {
  const all = new Uint8Array((pixels.length / patches) * fixed);
  all.set(pixels);
  const found = await encode(all, fixed);
  return found.subarray(0, (found.length / fixed) * patches);
}
