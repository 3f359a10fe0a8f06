import type { Scalar, Tensor, Tensor2D } from '@tensorflow/tfjs';
import type { Portable } from '../core/plugin.ts';
import { Random } from '../stats/random.ts';
import type { Backend } from './backend.ts';
import { Batches } from './batches.ts';
import { assign } from './concrete-vae.ts';
import { DeviceRandom } from './device-random.ts';
import type { Model } from './fit.ts';
import { dense, denseInit, maskedCrossEntropy, withGradient } from './layers.ts';
import type { NetworkLayer } from './network.ts';
import { createOptimizer, type Optimizer, type OptimizerState } from './optimizer.ts';
import { gateParameter, hurdleLoss, openGates, ROW_SCALE, widestRows } from './persist-units.ts';
import type { Ranking } from './vae.ts';

/** What the network says of a cell: its class (cross-entropy), or how much it expresses each gene (hurdle loss). */
export type Target =
  | { readonly kind: 'classes'; readonly codes: Int32Array; readonly classCount: number }
  | { readonly kind: 'expression'; readonly batches: Batches };

/** How the input is masked: one gate for each gene, k rows that choose one gene each, or not at all. */
export type Mask =
  | { readonly kind: 'gates'; /** On each open gate, after so many steps without one. */ readonly penalty: number; readonly from?: number }
  | { readonly kind: 'rows'; readonly k: number }
  | { readonly kind: 'none' };

export interface PersistOptions {
  readonly mask: Mask;
  readonly hidden: number;
  readonly rate: number;
  /** Learning rate of the mask over that of the rest. */
  readonly maskRate: number;
  /** Masks drawn for a batch; its cells take turns. */
  readonly draws: number;
  readonly seed: number;
  /** Tells the random streams of the networks of one training apart. */
  readonly stream: string;
  /** Temperature of the mask after so many steps. */
  readonly temperature: (steps: number) => number;
  /** Parameters to begin with, as `values()` gives them; fresh where left out. */
  readonly initial?: readonly Float32Array[];
}

/** A gate begins open with this probability. */
const OPEN = 0.99;
/** A mask's mean is taken over so many draws. */
const DRAWS = 64;
/** Draws of all rows at once, at most, unless one mask alone is larger. */
const MOST_DRAWN = 2 ** 23;

type State = {
  readonly steps: number;
  readonly drawn: number;
  readonly fresh: readonly number[];
  readonly optimizer: OptimizerState;
};

/**
 * The network of PERSIST (Covert et al. 2023, doi:10.1038/s41467-023-37392-1): a mask on the genes, then a perceptron with two hidden
 * layers. `batches` hold the input genes, 0 or 1.
 */
export class PersistNetwork implements Model {
  readonly #backend: Backend;
  readonly #batches: Batches;
  readonly #target: Target;
  readonly #options: PersistOptions;
  readonly #noise: DeviceRandom;
  readonly #fresh: Random;
  readonly #optimizer: Optimizer;
  readonly #draws: number;
  #steps = 0;

  constructor(backend: Backend, batches: Batches, target: Target, options: PersistOptions) {
    const { tf } = backend;
    const { mask, hidden, seed, stream, rate, maskRate, draws, initial } = options;
    const genes = batches.width;
    this.#backend = backend;
    this.#batches = batches;
    this.#target = target;
    this.#options = options;
    this.#noise = new DeviceRandom(backend, Random.of(seed, stream, 'masks').uint32());
    this.#fresh = Random.of(seed, stream, 'fresh');
    this.#draws = mask.kind === 'rows' ? Math.max(1, Math.min(draws, Math.floor(MOST_DRAWN / (mask.k * genes)))) : draws;
    const random = Random.of(seed, stream, 'weights');
    const outputs = target.kind === 'classes' ? target.classCount : 2 * target.batches.width;
    const layers = (
      [
        [genes, hidden],
        [hidden, hidden],
        [hidden, outputs],
      ] as const
    ).flatMap((size) => denseInit(tf, random, size));
    const params: Tensor[] = mask.kind === 'none' ? layers : [...layers, maskInit(backend, mask, genes)];
    this.#optimizer = createOptimizer(backend, params, {
      rule: { kind: 'adam' },
      rates: params.map((_, i) => (i < layers.length ? rate : rate * maskRate)),
    });
    initial?.forEach((values, at) => this.#optimizer.assign(at, values));
  }

  get temperature(): number {
    return this.#options.temperature(this.#steps);
  }

  get #penalty(): number {
    const { mask } = this.#options;
    return mask.kind === 'gates' && this.#steps > (mask.from ?? 0) ? mask.penalty : 0;
  }

  /** One step; gives the loss of the task, without the penalty on gates. */
  step(rows: Uint32Array): number {
    const { tf } = this.#backend;
    const t = this.temperature;
    this.#steps++;
    return tf.tidy(() => {
      const x = this.#batches.take(rows);
      const params = this.#optimizer.read();
      const { value, grads } = tf.valueAndGrads((...p: Tensor[]) => {
        const seen = this.#mask(p, rows.length, t);
        return this.#loss(seen ? x.mul<Tensor2D>(seen) : x, rows, p);
      })(params);
      tf.dispose(params);
      this.#optimizer.apply(grads);
      return value.dataSync()[0];
    });
  }

  /** The mask of each cell, cells x genes. */
  #mask(params: readonly Tensor[], cells: number, t: number): Tensor2D | undefined {
    const { tf } = this.#backend;
    const { mask } = this.#options;
    const genes = this.#batches.width;
    if (mask.kind === 'none') return undefined;
    if (mask.kind === 'gates') {
      const noise = this.#noise.logistic([Math.ceil(cells / 2), genes]) as Tensor2D;
      return openGates(tf, params.at(-1)!, noise, { t, penalty: this.#penalty / cells, cells });
    }
    const draws = Math.min(cells, this.#draws);
    const masks = widestRows(tf, params.at(-1)!, this.#noise.exponential([mask.k, draws, genes]), t);
    return inTurns(this.#backend, masks, cells);
  }

  #loss(input: Tensor2D, rows: Uint32Array, params: readonly Tensor[]): Scalar {
    const { tf } = this.#backend;
    const outputs = this.#forward(input, params, this.#options.mask.kind === 'none');
    const target = this.#target;
    if (target.kind === 'expression') return hurdleLoss(tf, outputs, target.batches.take(rows)) as Scalar;
    return maskedCrossEntropy(
      tf,
      outputs,
      Int32Array.from(rows, (row) => target.codes[row]),
    )!;
  }

  #forward(input: Tensor2D, [w1, b1, w2, b2, w3, b3]: readonly Tensor[], isData: boolean): Tensor2D {
    const { tf } = this.#backend;
    const first = dense(tf, input, [w1, b1], { slope: 0, isData });
    return dense(tf, dense(tf, first, [w2, b2], { slope: 0 }), [w3, b3]);
  }

  /** Mean of each gene's mask over 64 draws, genes. */
  meanMask(): Float32Array {
    const { tf } = this.#backend;
    return tf.tidy(() => {
      const params = this.#optimizer.read();
      const sum = tf.zeros([this.#batches.width]).dataSync() as Float32Array;
      const part = this.#options.mask.kind === 'rows' ? Math.min(DRAWS, this.#draws) : DRAWS;
      for (let done = 0; done < DRAWS; done += part) {
        const cells = Math.min(part, DRAWS - done);
        tf.tidy(() => {
          const own = this.#mask(params, cells, this.temperature)!;
          own
            .sum(0)
            .dataSync()
            .forEach((v, j) => (sum[j] += v / DRAWS));
        });
      }
      return sum;
    });
  }

  /** Parameters of the gates: above 0 for a gate that is rather open than shut. */
  gates(): Float32Array {
    return this.#optimizer.values(6);
  }

  /** The genes (columns of the input) that the rows choose, none twice, the surest first, with each row's share of its gene as score. */
  rank(): Ranking {
    const { mask } = this.#options;
    const logits = this.#optimizer.values(6).map((v) => v / ROW_SCALE);
    return assign(logits, (mask as { k: number }).k, this.#batches.width);
  }

  /** Gives rows whose best gene also is that of a later row new parameters, standard normal; how many there were. */
  mendCollisions(): number {
    const genes = this.#batches.width;
    const values = this.#optimizer.values(6);
    const best = Array.from({ length: values.length / genes }, (_, i) => largest(values.subarray(i * genes, (i + 1) * genes)));
    const collided = best.flatMap((gene, i) => (best.indexOf(gene, i + 1) >= 0 ? [i] : []));
    for (const i of collided) for (let j = 0; j < genes; j++) values[i * genes + j] = this.#fresh.normal();
    if (collided.length > 0) this.#optimizer.assign(6, values);
    return collided.length;
  }

  /** All parameters: weights (inputs x outputs) and bias of the three layers, then those of the mask. */
  values(): Float32Array[] {
    return Array.from({ length: this.#options.mask.kind === 'none' ? 6 : 7 }, (_, at) => this.#optimizer.values(at));
  }

  /** The perceptron as plain data. */
  layers(): NetworkLayer[] {
    return [0, 2, 4].map((at) => {
      const bias = this.#optimizer.values(at + 1);
      const weights = this.#optimizer.values(at);
      return { inputs: weights.length / bias.length, outputs: bias.length, weights, bias, slope: at === 4 ? null : 0 };
    });
  }

  state(): Portable {
    return { steps: this.#steps, drawn: this.#noise.drawn, fresh: this.#fresh.state, optimizer: this.#optimizer.state() };
  }

  restore(saved: Portable): void {
    const { steps, drawn, fresh, optimizer } = saved as unknown as State;
    this.#steps = steps;
    this.#noise.drawn = drawn;
    this.#fresh.state = fresh;
    this.#optimizer.restore(optimizer);
  }

  dispose(): void {
    this.#optimizer.dispose();
  }
}

function maskInit({ tf }: Backend, mask: Exclude<Mask, { kind: 'none' }>, genes: number): Tensor {
  return mask.kind === 'gates' ? tf.tensor1d(new Float32Array(genes).fill(gateParameter(OPEN))) : tf.zeros([mask.k, genes]);
}

const largest = (values: Float32Array): number => values.reduce((best, v, j) => (v > values[best] ? j : best), 0);

/** Rows over and over again until there are so many. */
function inTurns({ tf }: Backend, masks: Tensor2D, cells: number): Tensor2D {
  const [own, genes] = masks.shape;
  if (own === cells) return masks;
  const times = Math.ceil(cells / own);
  return withGradient(tf, [masks], () => ({
    value: tf.tile(masks, [times, 1]).slice([0, 0], [cells, genes]),
    keep: [],
    back: (dy) => [
      tf
        .pad(dy as Tensor2D, [
          [0, times * own - cells],
          [0, 0],
        ])
        .reshape([times, own, genes])
        .sum(0),
    ],
  })) as Tensor2D;
}
