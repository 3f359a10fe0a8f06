import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from '@tensorflow/tfjs';
import { AglModel } from '../tensor/agl-model.ts';
import { lookAhead, type SpotBatch } from '../tensor/agl-unroll.ts';
import { CutoffWeights } from '../tensor/agl-weights.ts';
import { type Backend, loadBackend } from '../tensor/backend.ts';
import { geneTargets } from '../tensor/pearson.ts';
import { watchMemory } from './_memory.ts';

/** One step to be timed, on the case in a folder. */
export interface SpatialSpec {
  readonly part: 'theta' | 'network';
  readonly spots: number;
  readonly features: number;
  readonly primary: number;
  readonly auxiliary: number;
  readonly hidden: readonly number[];
  /** Inner steps of adam, and their rate. */
  readonly steps: number;
  readonly inner_rate: number;
  readonly threads: number;
  readonly repeats: number;
}

/** Seconds a step; loss, and slope of the validation loss by theta, of the first. */
export interface Timed {
  readonly wall_s: number;
  readonly peak_mb: number;
  readonly loss: number;
  readonly slope?: number;
  readonly version: string;
}

const SHARE = 1 / 64;

function read(folder: string, name: string): Float32Array {
  return new Float32Array(new Uint8Array(readFileSync(join(folder, name))).buffer);
}

/** Rows of a block that wraps around. */
const rowsOf = (from: number, count: number, spots: number): Uint32Array =>
  Uint32Array.from({ length: count }, (_, i) => (from + i) % spots);

/** Times our side of a spec. */
export async function timeSpatial(spec: SpatialSpec, folder: string): Promise<Timed> {
  const backend = await loadBackend((line) => console.error(line));
  const memory = watchMemory();
  const timed = spec.part === 'theta' ? timeTheta(backend, spec, folder) : timeNetwork(backend, spec, folder);
  return { ...timed, peak_mb: memory.peak(), version: `${backend.name} ${backend.version}` };
}

function cutoff({ primary, auxiliary }: SpatialSpec): CutoffWeights {
  return new CutoffWeights({ genes: primary + auxiliary, primary }, { start: 0.5, tau: 0.01, rate: 3e-3, ranks: 'normalised' });
}

function timeTheta({ tf }: Backend, spec: SpatialSpec, folder: string): Pick<Timed, 'wall_s' | 'loss' | 'slope'> {
  const { spots, features, primary, auxiliary, hidden } = spec;
  const genes = primary + auxiliary;
  const [x, y] = [tf.tensor2d(read(folder, 'x.f32'), [spots, features]), tf.tensor2d(read(folder, 'y.f32'), [spots, genes])];
  const widths = [features, ...hidden, genes];
  const parameters = widths.slice(1).flatMap((outputs, l): Tensor[] => {
    const weights = tf.tensor2d(read(folder, `w${l}.f32`), [widths[l], outputs]);
    return l < hidden.length ? [weights, tf.tensor1d(read(folder, `b${l}.f32`))] : [weights];
  });
  const weights = cutoff(spec);
  const batch = (at: number, columns: number): SpotBatch => {
    const rows = tf.tensor1d(Int32Array.from(rowsOf(64 * at, 64, spots)), 'int32');
    return { x: tf.gather(x, rows), targets: geneTargets(tf, tf.slice(tf.gather(y, rows), [0, 0], [-1, columns])) };
  };
  const step = (at: number): { readonly loss: number; readonly slope: number } => {
    tf.engine().startScope();
    const own = tf.tensor1d(weights.of().map((w) => SHARE * w));
    const inputs = { train: batch(at, genes), validation: batch(at + 7, primary), weights: own };
    const { loss, slopes } = lookAhead(tf, parameters, inputs, { steps: spec.steps, rate: spec.inner_rate, rule: 'adam' });
    tf.engine().endScope();
    return { loss, slope: weights.slope(slopes.map((slope) => SHARE * slope)) };
  };
  const first = step(0);
  const began = performance.now();
  for (let at = 0; at < spec.repeats; at++) step(at);
  return { wall_s: (performance.now() - began) / 1e3 / spec.repeats, ...first };
}

/** From weights of its own: the model draws them itself. */
function timeNetwork(backend: Backend, spec: SpatialSpec, folder: string): Pick<Timed, 'wall_s' | 'loss'> {
  const { spots, features, primary, auxiliary, hidden } = spec;
  const genes = Uint32Array.from({ length: primary + auxiliary }, (_, j) => j);
  const model = new AglModel(
    backend,
    {
      features: { width: features, views: 1, values: read(folder, 'x.f32') },
      matrix: { kind: 'dense', rows: spots, cols: genes.length, data: read(folder, 'y.f32') },
      genes,
      primary,
      train: rowsOf(0, spots, spots),
    },
    cutoff(spec),
    { hidden, rate: 3e-5, dropout: 0, isAugmented: false, inner: { steps: 1, rate: 1, rule: 'sgd', share: 1 }, seed: 0 },
  );
  const step = (at: number): number => model.step(rowsOf(128 * at, 128, spots));
  const loss = step(0);
  for (let at = 0; at < 3; at++) step(at);
  const began = performance.now();
  for (let at = 0; at < spec.repeats; at++) step(at);
  const wall_s = (performance.now() - began) / 1e3 / spec.repeats;
  model.dispose();
  return { wall_s, loss };
}
