import { backendFacts } from '../_network.ts';
import { z } from '../contract.ts';
import { defineEncoder } from '../spatial-contract.ts';
import { encodePatches, NETWORK } from './_encode.ts';

const SIZE = 224;

const params = z.strictObject({
  ...NETWORK,
  weights: z
    .string()
    .min(1)
    .optional()
    .describe("a .safetensors file with the weights of torchvision's or timm's resnet18; without one they are random"),
  init_seed: z.int().min(0).default(0).describe('of the random weights'),
});

/** 512 numbers from ResNet18, frozen. */
export default defineEncoder({
  id: 'resnet18',
  version: 1,
  summary: 'ResNet18 up to its global average: 512 features a patch; weights from your file, else random.',
  cites: ['10.48550/arXiv.1512.03385'],
  queue: 'gpu',
  params,
  files: (p) => (p.weights === undefined ? [] : [p.weights]),
  run: async (context, inputs, p) => {
    const [{ loadBackend }, { openResnet, randomResnet, readResnet }, { openSafetensors }, { pixelValues }] = await Promise.all([
      import('../../tensor/backend.ts'),
      import('../../tensor/resnet.ts'),
      import('../../data/safetensors.ts'),
      import('../../data/pixels.ts'),
    ]);
    const pretrained = p.weights !== undefined;
    if (!pretrained) {
      context.log(
        'ENCODER WITHOUT TRAINING: resnet18 has random weights, so its features say little about tissue. Give `weights` (see docs/spatial.md).',
      );
    }
    const weights = p.weights === undefined ? randomResnet(p.init_seed) : await readResnet(await openSafetensors(p.weights), p.weights);
    const backend = await loadBackend((line) => context.log(line));
    const { tf } = backend;
    const network = openResnet(backend, weights);
    const encode = (pixels: Uint8Array, patches: number): Float32Array =>
      tf.tidy(() => network.features(tf.tensor4d(pixelValues(pixels, 'imagenet'), [patches, SIZE, SIZE, 3])).dataSync() as Float32Array);
    try {
      const coder = { id: 'resnet18', size: SIZE, views: p.views, block: p.batch, encode };
      const { features, facts } = await encodePatches(context, inputs, p, coder);
      return { features, facts: { ...facts, pretrained, ...backendFacts(backend) } };
    } finally {
      network.dispose();
    }
  },
});
