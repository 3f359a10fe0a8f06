import type { Portable } from '../core/plugin.ts';
import { TrainingError } from '../core/errors.ts';
import { Random } from '../stats/random.ts';
import type { Backend } from './backend.ts';
import { type Curves, keptCurves, type Training } from './fit.ts';
import { hierProx, lambdaStart } from './hier-prox.ts';
import type { NetworkLayer } from './network.ts';
import type { OptimizerState } from './optimizer.ts';
import { RowAdam, type RowAdamState } from './row-adam.ts';
import { type SkipCells, SkipNet } from './skip-net.ts';

export interface LassoNetOptions {
  readonly hidden: number;
  /** Bound of the first layer by the skip weights. */
  readonly M: number;
  readonly rate: number;
  /** What lambda is multiplied by from one point of the path to the next. */
  readonly step: number;
  /** While all genes are in, lambda grows by so many steps at a time. */
  readonly rush?: number;
  /** At most so many epochs, and patience, for the dense start and for each point of the path. */
  readonly dense: { readonly epochs: number; readonly patience: number };
  readonly point: { readonly epochs: number; readonly patience: number };
  /** The path ends when so few genes are left. */
  readonly until: number;
  /** The network is kept as it stands when so few genes are left for the first time. */
  readonly keepAt: number;
  /** A gene that is out stays out, so that the network shrinks with the path; else it may come back. */
  readonly isFinal: boolean;
  readonly seed: number;
}

/** Weights of the network for some genes: first layer genes x (classes + hidden), skip weights first. */
export type LassoNetWeights = {
  readonly genes: Uint32Array;
  readonly first: Float32Array;
  readonly bias: Float32Array;
  readonly second: Float32Array;
  readonly out: Float32Array;
};

type State = {
  readonly stage: 'dense' | 'path' | 'done';
  readonly epoch: number;
  readonly epochs: number;
  readonly best: number;
  readonly waited: number;
  readonly lambda: number;
  readonly alive: Uint32Array;
  readonly first: Float32Array;
  readonly velocity: Float32Array;
  readonly adam: RowAdamState | null;
  readonly rest: OptimizerState;
  readonly outAt: Float64Array;
  readonly lastNorm: Float64Array;
  readonly kept: LassoNetWeights | null;
  readonly curves: Readonly<Record<string, Float64Array>>;
};

/** An objective must fall below this share of the best one to count as better. */
const BETTER = 0.99;
/** The network is cut down when so small a share of its genes is left. */
const SHRINK = 0.8;

/**
 * LassoNet (Lemhadri et al. 2021, arXiv:1907.12207) for classes: logits = x W + MLP(x), full batch. A dense start by Adam; then lambda grows by
 * a factor, each time some epochs of gradient descent with momentum, each followed by HIER-PROX, until few genes are left. One epoch an `advance`.
 */
export class LassoNet implements Training {
  readonly curves: Curves = { loss: [], genes: [], lambda: [] };
  readonly #cells: SkipCells;
  readonly #options: LassoNetOptions;
  readonly #width: number;
  readonly #net: SkipNet;
  #stage: State['stage'] = 'dense';
  #epoch = 0;
  #epochs = 0;
  #best = Number.POSITIVE_INFINITY;
  #waited = 0;
  #lambda = 0;
  #alive: Uint32Array;
  #first: Float32Array;
  #velocity: Float32Array;
  #adam: RowAdam | undefined;
  readonly #outAt: Float64Array;
  readonly #lastNorm: Float64Array;
  #kept: LassoNetWeights | null = null;

  constructor(backend: Backend, cells: SkipCells, options: LassoNetOptions) {
    const { hidden, seed, rate } = options;
    const genes = cells.matrix.cols;
    const random = Random.of(seed, 'lassonet', 'init');
    const bound = 1 / Math.sqrt(genes);
    this.#cells = cells;
    this.#options = options;
    this.#width = cells.classCount + hidden;
    this.#alive = Uint32Array.from({ length: genes }, (_, j) => j);
    this.#first = Float32Array.from({ length: genes * this.#width }, () => bound * (2 * random.uniform() - 1));
    this.#velocity = new Float32Array(0);
    this.#adam = new RowAdam(this.#first.slice(), { width: this.#width, rate });
    this.#net = new SkipNet(backend, cells, { hidden, rate, random });
    this.#outAt = new Float64Array(genes).fill(Number.POSITIVE_INFINITY);
    this.#lastNorm = new Float64Array(genes);
  }

  get progress(): Training['progress'] {
    const all = this.#cells.matrix.cols;
    const { until, dense: start } = this.#options;
    if (this.#stage === 'dense') return { fraction: (0.2 * this.#epoch) / start.epochs, note: `dense start, epoch ${this.#epoch + 1}` };
    const left = Math.log(Math.max(1, this.#count()) / Math.max(1, until)) / Math.log(all / Math.max(1, until));
    return { fraction: Math.min(1, 1 - 0.8 * left), note: `${this.#count()} of ${all} genes left, lambda ${this.#lambda.toPrecision(3)}` };
  }

  get epochs(): number {
    return this.#epochs;
  }

  advance(): boolean {
    if (this.#stage === 'done') return false;
    const isDense = this.#stage === 'dense';
    const { epochs, patience } = isDense ? this.#options.dense : this.#options.point;
    const loss = this.#step();
    this.#epoch++;
    this.#epochs++;
    if (!Number.isFinite(loss)) {
      throw new TrainingError('The loss is no longer a number', {
        context: { epoch: this.#epochs, loss: String(loss) },
        mend: 'Lower learning_rate, and check the scale of X.',
      });
    }
    const objective = this.#objective(loss);
    if (objective < BETTER * this.#best) {
      this.#best = objective;
      this.#waited = 0;
    } else this.#waited++;
    if (this.#epoch < epochs && this.#waited < patience && (isDense || this.#count() > this.#options.until)) return true;
    if (isDense) this.#beginPath();
    else this.#endPoint();
    for (const [name, value] of Object.entries({ loss, genes: this.#count(), lambda: this.#lambda })) this.curves[name].push(value);
    return (this.#stage as State['stage']) !== 'done';
  }

  /** One epoch over all train cells; gives the loss before it. */
  #step(): number {
    const { loss, gradient } = this.#net.step(this.#first);
    if (this.#adam) {
      this.#adam.apply(this.#alive, gradient);
      this.#first = this.#adam.take(this.#alive);
      this.#prox(0);
      this.#adam.assign(this.#first);
      return loss;
    }
    const { rate } = this.#options;
    for (let at = 0; at < gradient.length; at++) {
      this.#velocity[at] = 0.9 * this.#velocity[at] + gradient[at];
      this.#first[at] -= rate * this.#velocity[at];
    }
    this.#prox(this.#lambda * rate);
    return loss;
  }

  /** HIER-PROX of every gene; notes lambda where a gene goes out for the first time. */
  #prox(lambda: number): void {
    const { M } = this.#options;
    for (let r = 0; r < this.#alive.length; r++) {
      const row = this.#first.subarray(r * this.#width, (r + 1) * this.#width);
      const norm = hierProx(row, this.#cells.classCount, lambda, M);
      if (norm === 0 && this.#outAt[this.#alive[r]] === Number.POSITIVE_INFINITY) this.#outAt[this.#alive[r]] = this.#lambda;
    }
  }

  #norm(r: number): number {
    let square = 0;
    for (let at = r * this.#width; at < r * this.#width + this.#cells.classCount; at++) square += this.#first[at] ** 2;
    return Math.sqrt(square);
  }

  /** Genes that are in at present. */
  #count(): number {
    return this.#alive.reduce((count, _, r) => count + Number(this.#norm(r) > 0), 0);
  }

  /** Validation loss (the train loss without validation cells), plus lambda times the sum of skip norms. */
  #objective(loss: number): number {
    let penalty = 0;
    for (let r = 0; r < this.#alive.length; r++) penalty += this.#norm(r);
    return (this.#net.validationLoss(this.#first) ?? loss) + this.#lambda * penalty;
  }

  #beginPath(): void {
    const { M, rate } = this.#options;
    const start = lambdaStart(this.#first, { skips: this.#cells.classCount, width: this.#width, M });
    this.#stage = 'path';
    this.#adam = undefined;
    this.#velocity = new Float32Array(this.#first.length);
    this.#net.descend();
    this.#lambda = start / rate / 10;
    this.#beginPoint();
  }

  #beginPoint(): void {
    for (let r = 0; r < this.#alive.length; r++) this.#lastNorm[this.#alive[r]] = this.#norm(r);
    const { step, rush = 1 } = this.#options;
    this.#lambda *= step ** (this.#count() === this.#cells.matrix.cols ? rush : 1);
    [this.#epoch, this.#best, this.#waited] = [0, Number.POSITIVE_INFINITY, 0];
  }

  #endPoint(): void {
    const count = this.#count();
    if (this.#kept === null && count <= this.#options.keepAt) this.#kept = this.#weights();
    if (count <= this.#options.until) {
      for (let r = 0; r < this.#alive.length; r++) this.#lastNorm[this.#alive[r]] = this.#norm(r) || this.#lastNorm[this.#alive[r]];
      this.#stage = 'done';
      return;
    }
    this.#beginPoint();
    if (this.#options.isFinal && count < SHRINK * this.#alive.length) this.#shrink();
  }

  /** Leaves out the genes that are out. */
  #shrink(): void {
    const rows = Uint32Array.from(this.#alive.keys()).filter((r) => this.#norm(r) > 0);
    const pick = (values: Float32Array): Float32Array => {
      const out = new Float32Array(rows.length * this.#width);
      rows.forEach((r, at) => out.set(values.subarray(r * this.#width, (r + 1) * this.#width), at * this.#width));
      return out;
    };
    [this.#first, this.#velocity] = [pick(this.#first), pick(this.#velocity)];
    this.#alive = rows.map((r) => this.#alive[r]);
    this.#net.see(this.#alive);
  }

  #weights(): LassoNetWeights {
    const rows = Uint32Array.from(this.#alive.keys()).filter((r) => this.#norm(r) > 0);
    const first = new Float32Array(rows.length * this.#width);
    rows.forEach((r, at) => first.set(this.#first.subarray(r * this.#width, (r + 1) * this.#width), at * this.#width));
    const [bias, second, out] = this.#net.inner();
    return { genes: rows.map((r) => this.#alive[r]), first, bias, second, out };
  }

  /** Genes by falling importance (lambda at which the gene went out; those that are in come first), then by last skip norm, then by number. */
  ranking(): { readonly genes: Uint32Array; readonly importance: Float64Array } {
    const [out, norm] = [this.#outAt, this.#lastNorm];
    const genes = Uint32Array.from(out.keys()).sort((a, b) => (out[a] === out[b] ? norm[b] - norm[a] || a - b : out[b] - out[a]));
    return { genes, importance: out };
  }

  /** The network when `keepAt` genes were left, as layers that read `genes` (those that were out weigh nothing). */
  layers(genes: Uint32Array): NetworkLayer[] {
    const { genes: own, first, bias, second, out } = this.#kept ?? this.#weights();
    const classes = out.length;
    const { hidden } = this.#options;
    // The skip connection goes through two rectified units a class: x = relu(x) - relu(-x).
    const width = hidden + 2 * classes;
    const weights = new Float32Array(genes.length * width);
    own.forEach((gene, r) => {
      const at = genes.indexOf(gene);
      if (at < 0) return;
      for (let h = 0; h < hidden; h++) weights[at * width + h] = first[r * this.#width + classes + h];
      for (let c = 0; c < classes; c++) {
        weights[at * width + hidden + c] = first[r * this.#width + c];
        weights[at * width + hidden + classes + c] = -first[r * this.#width + c];
      }
    });
    const inner = new Float32Array(width * classes);
    inner.set(second);
    for (let c = 0; c < classes; c++) {
      inner[(hidden + c) * classes + c] = 1;
      inner[(hidden + classes + c) * classes + c] = -1;
    }
    const bias2 = new Float32Array(width);
    bias2.set(bias);
    return [
      { inputs: genes.length, outputs: width, weights, bias: bias2, slope: 0 },
      { inputs: width, outputs: classes, weights: inner, bias: out, slope: null },
    ];
  }

  state(): Portable {
    return {
      stage: this.#stage,
      epoch: this.#epoch,
      epochs: this.#epochs,
      best: this.#best,
      waited: this.#waited,
      lambda: this.#lambda,
      alive: this.#alive,
      first: this.#first.slice(),
      velocity: this.#velocity.slice(),
      adam: this.#adam?.state() ?? null,
      rest: this.#net.state(),
      outAt: this.#outAt.slice(),
      lastNorm: this.#lastNorm.slice(),
      kept: this.#kept,
      curves: keptCurves(this.curves),
    } satisfies State;
  }

  restore(saved: Portable): void {
    const state = saved as unknown as State;
    [this.#stage, this.#epoch, this.#epochs] = [state.stage, state.epoch, state.epochs];
    [this.#best, this.#waited, this.#lambda, this.#kept] = [state.best, state.waited, state.lambda, state.kept];
    // What comes from a file may not be written to.
    [this.#alive, this.#first, this.#velocity] = [state.alive.slice(), state.first.slice(), state.velocity.slice()];
    if (state.stage !== 'dense') this.#net.descend();
    this.#net.restore(state.rest);
    this.#net.see(this.#alive);
    if (state.adam) this.#adam!.restore(state.adam);
    else this.#adam = undefined;
    this.#outAt.set(state.outAt);
    this.#lastNorm.set(state.lastNorm);
    for (const [name, values] of Object.entries(state.curves)) this.curves[name] = [...values];
  }

  dispose(): void {
    this.#net.dispose();
  }
}
