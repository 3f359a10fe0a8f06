import { backendFacts } from '../_network.ts';
import { z } from '../contract.ts';
import { defineEncoder } from '../spatial-contract.ts';
import { encodePatches, NETWORK } from './_encode.ts';
import { FOREIGN, inputSize, pooled } from './_network.ts';

const params = z.strictObject({
  ...NETWORK,
  ...FOREIGN,
  pixels: FOREIGN.pixels.default('unit'),
  model: z.string().min(1).describe('a folder with model.json and its weights: a layers model or a graph model'),
  layer: z.string().optional().describe('features are what this layer (or node of a graph) gives; default the output of the network'),
});

/** Any network in the format of TensorFlow.js. */
export default defineEncoder({
  id: 'tfjs',
  version: 1,
  summary: 'Features from your own network in the format of TensorFlow.js (layers or graph model).',
  queue: 'gpu',
  params,
  files: (p) => [p.model],
  run: async (context, inputs, p) => {
    const [{ loadBackend }, { openTfjs }, { pixelValues }] = await Promise.all([
      import('../../tensor/backend.ts'),
      import('../../tensor/saved-model.ts'),
      import('../../data/pixels.ts'),
    ]);
    const backend = await loadBackend((line) => context.log(line));
    const { tf } = backend;
    const network = await openTfjs(backend, p.model, p.layer);
    try {
      const size = inputSize(p.model, network.input, p.size);
      const encode = (pixels: Uint8Array, patches: number): Float32Array =>
        tf.tidy(() => {
          const out = network.run(tf.tensor4d(pixelValues(pixels, p.pixels), [patches, size, size, 3]));
          return pooled(out.dataSync() as Float32Array, out.shape, { file: p.model, channelsFirst: false });
        });
      const coder = { id: 'tfjs', size, views: p.views, block: p.batch, encode };
      const { features, facts } = await encodePatches(context, inputs, p, coder);
      return { features, facts: { ...facts, ...backendFacts(backend) } };
    } finally {
      network.dispose();
    }
  },
});
