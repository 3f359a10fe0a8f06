import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { io, LayersModel, Tensor, Tensor4D } from '@tensorflow/tfjs';
import { DataError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import type { Backend } from './backend.ts';

/** A network in the format of TensorFlow.js, from pictures to the features (or maps) of one of its layers. */
export interface SavedModel {
  /** What it takes, undefined where it leaves it open. */
  readonly input: Readonly<Record<'height' | 'width' | 'channels', number | undefined>>;
  run(images: Tensor4D): Tensor;
  dispose(): void;
}

/** Opens a folder with model.json; `layer` is a layer of a layers model or a node of a graph model. DataError says what is missing. */
export async function openTfjs({ tf }: Backend, folder: string, layer: string | undefined): Promise<SavedModel> {
  const manifest = readManifest(folder);
  const handler: io.IOHandler = { load: () => Promise.resolve(artifacts(folder, manifest)) };
  const isLayers = 'model_config' in manifest.modelTopology || manifest.format === 'layers-model';
  try {
    return isLayers ? ofLayers(await tf.loadLayersModel(handler), { tf, folder, layer }) : await ofGraph(tf, handler, { folder, layer });
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError('The network cannot be opened', {
      cause,
      context: { folder, reason: (cause as Error).message.split('\n')[0].slice(0, 200) },
      mend: 'Convert it again with tensorflowjs_converter, or save it with model.save.',
    });
  }
}

interface Manifest {
  readonly format?: string;
  readonly modelTopology: object;
  readonly weightsManifest?: readonly { readonly paths: readonly string[]; readonly weights: io.WeightsManifestEntry[] }[];
}

function readManifest(folder: string): Manifest {
  const file = join(folder, 'model.json');
  let found: Manifest | undefined;
  try {
    found = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  } catch (cause) {
    throw new DataError(existsSync(file) ? 'model.json is not JSON' : 'The folder holds no model.json', {
      cause,
      context: { folder },
      mend: 'Give the folder that model.save or tensorflowjs_converter wrote.',
    });
  }
  if (found.modelTopology && found.weightsManifest) return found;
  throw new DataError('model.json describes no network with weights', {
    context: { folder },
    mend: 'Save the network again with its weights.',
  });
}

function artifacts(folder: string, { modelTopology, weightsManifest = [] }: Manifest): io.ModelArtifacts {
  const parts = weightsManifest.flatMap((group) =>
    group.paths.map((path) => {
      const file = join(folder, path);
      if (existsSync(file)) return readFileSync(file);
      throw new DataError('A file of weights is missing', { context: { folder, file: path }, mend: 'Put it beside model.json.' });
    }),
  );
  const all = Buffer.concat(parts);
  return {
    modelTopology,
    weightSpecs: weightsManifest.flatMap((group) => group.weights),
    weightData: all.buffer.slice(all.byteOffset, all.byteOffset + all.byteLength),
  };
}

const shapeOf = (shape: readonly (number | null)[] | undefined): SavedModel['input'] => {
  const [height, width, channels] = [1, 2, 3].map((at) => ((shape?.[at] ?? -1) > 0 ? (shape![at] as number) : undefined));
  return { height, width, channels };
};

function ofLayers(
  model: LayersModel,
  { tf, folder, layer }: { readonly tf: Backend['tf']; readonly folder: string; readonly layer: string | undefined },
): SavedModel {
  const names = model.layers.map((l) => l.name);
  if (layer !== undefined && !names.includes(layer)) {
    const near = nearest(layer, names);
    throw new DataError(`The network has no layer "${layer}"`, {
      context: { folder },
      mend: `${near ? `Did you mean "${near}"? ` : ''}Its last layers: ${names.slice(-8).join(', ')}.`,
    });
  }
  const cut = layer === undefined ? model : tf.model({ inputs: model.inputs, outputs: model.getLayer(layer).output });
  return {
    input: shapeOf(model.inputs[0].shape),
    run: (images) => [cut.predict(images)].flat()[0],
    dispose: () => void model.dispose(),
  };
}

async function ofGraph(
  tf: Backend['tf'],
  handler: io.IOHandler,
  { folder, layer }: { readonly folder: string; readonly layer: string | undefined },
): Promise<SavedModel> {
  const model = await tf.loadGraphModel(handler);
  const [input] = model.inputs;
  const shape = shapeOf(input.shape);
  return {
    input: { ...shape, channels: shape.channels ?? 3 },
    run: (images) => {
      try {
        return [model.execute({ [input.name]: images }, layer)].flat()[0];
      } catch (cause) {
        throw new DataError(layer === undefined ? 'The network does not run' : `The network does not run up to the node "${layer}"`, {
          cause,
          context: { folder, reason: (cause as Error).message.split('\n')[0].slice(0, 200) },
          mend: `Is that a node of it? Its outputs: ${model.outputs.map((o) => o.name).join(', ')}.`,
        });
      }
    },
    dispose: () => model.dispose(),
  };
}
