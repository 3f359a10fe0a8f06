import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import type { Portable } from '../core/plugin.ts';
import type { Matrix } from '../data/matrix.ts';
import { Random } from '../stats/random.ts';
import { backward, curvature, forward, initParameters, type Parameters, type Pass, predict, scoped } from './agl-network.ts';
import { type InnerSteps, judge, lookAhead, type SpotBatch } from './agl-unroll.ts';
import type { GeneWeights, WeightNet } from './agl-weights.ts';
import type { Backend, Tf } from './backend.ts';
import { Batches, geneScale } from './batches.ts';
import type { Model } from './fit.ts';
import { createOptimizer, type Optimizer, type OptimizerState } from './optimizer.ts';
import { geneTargets } from './pearson.ts';

/** Spots as features, and what is to be predicted of them. */
export interface AglSpots {
  /** views x spots x width. */
  readonly features: { readonly width: number; readonly views: number; readonly values: Float32Array };
  /** Spots x genes. */
  readonly matrix: Matrix;
  /** Its columns that are learned, primary genes first. */
  readonly genes: Uint32Array;
  readonly primary: number;
  readonly train: Uint32Array;
}

export interface AglSettings {
  readonly hidden: readonly number[];
  readonly rate: number;
  /** Share of the (z-scored) features that each train step hides. */
  readonly dropout: number;
  /** Each train batch draws one of the views of each spot; else all are seen as they are. */
  readonly isAugmented: boolean;
  /** Steps that the weights are learned through, on the loss times `share`. */
  readonly inner: InnerSteps & { readonly share: number };
  readonly seed: number;
}

type State = {
  readonly optimizer: OptimizerState;
  readonly weights: Portable;
  readonly views: readonly number[];
};

/** Terms of the Neumann series for the inverse Hessian, and its rate (Lorraine 2020, arXiv:1911.02590, as AuxiLearn takes it). */
const NEUMANN = { terms: 3, rate: 0.1 };

/**
 * A network from features to genes under the loss sum_j weight_j (1 - Pearson_j) over a batch, and the weights of its genes. All gradients are
 * written out (agl-network.ts); nothing goes through automatic differentiation.
 */
export class AglModel implements Model {
  readonly weights: GeneWeights;
  readonly #tf: Tf;
  readonly #spots: AglSpots;
  readonly #settings: AglSettings;
  readonly #features: Batches;
  readonly #expression: Batches;
  readonly #optimizer: Optimizer;
  readonly #random: Random;

  constructor(backend: Backend, spots: AglSpots, weights: GeneWeights, settings: AglSettings) {
    const { tf } = backend;
    const { features, matrix, genes, train } = spots;
    const seen: Matrix = { kind: 'dense', rows: features.views * matrix.rows, cols: features.width, data: features.values };
    const all = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, i) => i);
    this.#tf = tf;
    this.#spots = spots;
    this.#settings = settings;
    this.weights = weights;
    this.#features = new Batches(tf, seen, { rows: all(seen.rows), form: { kind: 'scaled', scale: geneScale(seen, train) } });
    this.#expression = new Batches(tf, matrix, { rows: all(matrix.rows), form: { kind: 'plain' }, genes });
    const parameters = initParameters(tf, Random.of(settings.seed, 'agl', 'init'), [features.width, ...settings.hidden, genes.length]);
    this.#optimizer = createOptimizer(backend, parameters, { rule: { kind: 'adam' }, rates: settings.rate });
    this.#random = Random.of(settings.seed, 'agl', 'views');
  }

  /** Features of some spots as they are. */
  #plain(rows: Uint32Array): Tensor2D {
    return this.#features.take(rows);
  }

  /** Features of some spots as a train batch sees them. */
  #x(rows: Uint32Array): Tensor2D {
    const { isAugmented, dropout } = this.#settings;
    const { features, matrix } = this.#spots;
    const x = this.#plain(isAugmented ? rows.map((row) => row + matrix.rows * this.#random.below(features.views)) : rows);
    if (dropout === 0) return x;
    const keep = Float32Array.from({ length: x.size }, () => (this.#random.uniform() < dropout ? 0 : 1 / (1 - dropout)));
    return x.mul(this.#tf.tensor2d(keep, x.shape));
  }

  /** Some spots, with all genes or with the primary ones alone. */
  #batch(rows: Uint32Array, isPrimary = false): SpotBatch {
    const y = this.#expression.take(rows);
    const own = isPrimary ? this.#tf.slice(y, [0, 0], [-1, this.#spots.primary]) : y;
    return { x: this.#x(rows), targets: geneTargets(this.#tf, own) };
  }

  step(rows: Uint32Array): number {
    const tf = this.#tf;
    const { weights } = this;
    const { gradients, losses, loss } = scoped(tf, () => {
      const { x, targets } = this.#batch(rows);
      const parameters = this.#optimizer.read();
      const pass = forward(tf, parameters, x, targets);
      const found = lossesOf(pass);
      const own = weights.of(found);
      const way = backward(tf, parameters, pass, tf.tensor1d(own));
      const total = found.reduce((sum, l, j) => sum + own[j] * l, 0);
      return { value: { gradients: way.gradients, losses: found, loss: total }, keep: way.gradients };
    });
    this.#optimizer.apply(gradients);
    tf.dispose(gradients);
    if (weights.kind === 'losses') weights.learn(losses);
    return loss;
  }

  /** One step of the weights towards a lower loss of the primary genes on the validation spots; the network stays as it is. */
  improveWeights(trainRows: Uint32Array, validationRows: Uint32Array): void {
    const tf = this.#tf;
    const { weights } = this;
    const { inner } = this.#settings;
    tf.tidy(() => {
      const [train, validation] = [this.#batch(trainRows), this.#batch(validationRows, true)];
      const parameters = this.#optimizer.read();
      if (weights.kind === 'implicit') improveNet(tf, weights, parameters, train, validation);
      if (weights.kind !== 'unrolled') return;
      const own = tf.tensor1d(weights.of().map((w) => inner.share * w));
      const { slopes } = lookAhead(tf, parameters, { train, validation, weights: own }, inner);
      weights.descend(slopes.map((slope) => inner.share * slope));
    });
  }

  /** What predicts the primary genes: the parameters with the columns of these genes alone. */
  primaryParameters(): Float32Array[] {
    return scoped(this.#tf, () => {
      const parameters = this.#optimizer.read();
      const head = this.#tf.slice(parameters.pop() as Tensor2D, [0, 0], [-1, this.#spots.primary]);
      return { value: [...parameters, head].map((t) => (t.dataSync() as Float32Array).slice()) };
    });
  }

  /** Predictions of the primary genes up to shift and scale, spots x genes, by what `primaryParameters` gave. */
  predict(rows: Uint32Array, values: readonly Float32Array[]): Float32Array {
    const tf = this.#tf;
    return scoped(tf, () => {
      let width = this.#spots.features.width;
      const parameters = values.map((v, at): Tensor => {
        if (at % 2 === 1) return tf.tensor1d(v);
        const shape: [number, number] = [width, v.length / width];
        width = shape[1];
        return tf.tensor2d(v, shape);
      });
      return { value: predict(tf, parameters, this.#plain(rows)).dataSync() as Float32Array };
    });
  }

  state(): Portable {
    return { optimizer: this.#optimizer.state(), weights: this.weights.state(), views: this.#random.state } satisfies State;
  }

  restore(saved: Portable): void {
    const { optimizer, weights, views } = saved as unknown as State;
    this.#optimizer.restore(optimizer);
    this.weights.restore(weights);
    this.#random.state = views;
  }

  dispose(): void {
    this.#optimizer.dispose();
    this.#features.dispose();
    this.#expression.dispose();
  }
}

const lossesOf = ({ score }: Pass): Float32Array => (score.r.dataSync() as Float32Array).map((r) => 1 - r);

/** One step of a weight net by implicit differentiation: gradient of the validation loss times the inverse Hessian of the train loss. */
function improveNet(tf: Tf, net: WeightNet, parameters: Parameters, train: SpotBatch, validation: SpotBatch): void {
  const pass = forward(tf, parameters, train.x, train.targets);
  const losses = lossesOf(pass);
  const weights = tf.tensor1d(net.of(losses));
  const at = { pass, way: backward(tf, parameters, pass, weights), weights };
  const weightRate = (rate: Tensor1D): Tensor1D => tf.tensor1d(net.rates(losses, rate.dataSync() as Float32Array));
  let term = judge(tf, parameters, validation).gradients;
  let sum = term;
  for (let i = 0; i < NEUMANN.terms; i++) {
    const { product } = curvature(tf, parameters, at, term, { weightRate });
    term = term.map((t, p) => t.sub(product[p].mul(NEUMANN.rate)));
    sum = sum.map((s, p) => s.add(term[p]));
  }
  const { lossRate } = curvature(tf, parameters, at, sum, { isRateOnly: true });
  net.descend(losses, lossRate.dataSync() as Float32Array);
}
