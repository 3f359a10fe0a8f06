import type { Portable } from '../core/plugin.ts';
import { pearson } from '../stats/ranks.ts';
import { Random } from '../stats/random.ts';
import type { AglModel } from './agl-model.ts';
import { cut } from './batches.ts';
import { type Curves, EarlyStop, Fit, type Training } from './fit.ts';

export interface AglPlan {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  /** True expression of the primary genes on the validation spots, gene by gene. */
  readonly truth: readonly Float32Array[];
  readonly epochs: number;
  readonly patience: number;
  readonly batch: number;
  /** Spots of a batch that the weights of the genes are learned on, and batches of a round (at most). */
  readonly weightBatch: number;
  readonly weightBatches: number;
  readonly seed: number;
}

type Best = { readonly epoch: number; readonly pcc: number; readonly parameters: readonly Float32Array[] };

type State = {
  readonly fit: Portable;
  readonly stop: ReturnType<EarlyStop['state']>;
  readonly best: Best | null;
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  readonly at: number;
  readonly random: readonly number[];
};

/**
 * Epochs of the network, and before each but the first a round for the weights of the genes, with the network standing still: one step for
 * each of some batches of train spots. Ends when the correlation of the primary genes on the validation
 * spots has not risen for a while; the best network is kept. One batch an `advance`.
 */
export class AglTraining implements Training {
  readonly curves: Curves;
  readonly #model: AglModel;
  readonly #plan: AglPlan;
  readonly #fit: Fit;
  readonly #stop: EarlyStop;
  readonly #random: Random;
  #best: Best | null = null;
  /** The round for the weights: spots in the order of their batches, and the batch that comes next. */
  #train: Uint32Array = new Uint32Array(0);
  #validation: Uint32Array = new Uint32Array(0);
  #at = 0;

  constructor(model: AglModel, plan: AglPlan) {
    const { train: rows, batch, epochs, patience, seed } = plan;
    this.#model = model;
    this.#plan = plan;
    this.#stop = new EarlyStop({ patience });
    this.#random = Random.of(seed, 'agl', 'rounds');
    const random = Random.of(seed, 'agl', 'order');
    this.#fit = new Fit(model, { rows, batch, epochs, random, endEpoch: ({ epoch }) => this.#endEpoch(epoch) });
    this.curves = this.#fit.curves;
  }

  /** The best network so far: its epoch, its correlation, and what predicts. */
  get best(): Best {
    return this.#best!;
  }

  get epochs(): number {
    return this.#fit.epoch;
  }

  get progress(): Training['progress'] {
    return this.#fit.progress;
  }

  advance(): boolean {
    const batches = cut(this.#train, this.#plan.weightBatch);
    if (this.#at < batches.length) {
      const others = cut(this.#validation, this.#plan.weightBatch);
      this.#model.improveWeights(batches[this.#at], others[this.#at % others.length]);
      this.#at++;
      return true;
    }
    const before = this.#fit.epoch;
    const isOpen = this.#fit.advance();
    if (isOpen && this.#fit.epoch > before) this.#beginRound();
    return isOpen;
  }

  #beginRound(): void {
    const { kind } = this.#model.weights;
    if (kind !== 'unrolled' && kind !== 'implicit') return;
    const { train, validation, weightBatch, weightBatches } = this.#plan;
    const shuffled = (rows: Uint32Array): Uint32Array => Uint32Array.from(this.#random.permutation(rows.length), (at) => rows[at]);
    this.#train = shuffled(train).slice(0, weightBatch * weightBatches);
    this.#validation = shuffled(validation);
    this.#at = 0;
  }

  #endEpoch(epoch: number): { values: Record<string, number>; stop: boolean } {
    const parameters = this.#model.primaryParameters();
    const pcc = this.#correlation(parameters);
    if (this.#best === null || pcc > this.#best.pcc) this.#best = { epoch, pcc, parameters };
    return { values: { 'validation pcc': pcc, ...this.#model.weights.curves() }, stop: this.#stop.stops(-pcc) };
  }

  /** Mean over the primary genes that vary over the validation spots; 0 when none does. */
  #correlation(parameters: readonly Float32Array[]): number {
    const { validation, truth } = this.#plan;
    const said = this.#model.predict(validation, parameters);
    const found = truth
      .map((values, g) =>
        pearson(
          values,
          Float32Array.from(values, (_, i) => said[i * truth.length + g]),
        ),
      )
      .filter((r) => !Number.isNaN(r));
    return found.length > 0 ? found.reduce((a, b) => a + b, 0) / found.length : 0;
  }

  state(): Portable {
    return {
      fit: this.#fit.state(),
      stop: this.#stop.state(),
      best: this.#best,
      train: this.#train,
      validation: this.#validation,
      at: this.#at,
      random: this.#random.state,
    } satisfies State;
  }

  restore(saved: Portable): void {
    const state = saved as unknown as State;
    this.#fit.restore(state.fit);
    this.#stop.restore(state.stop);
    this.#best = state.best;
    [this.#train, this.#validation, this.#at] = [state.train, state.validation, state.at];
    this.#random.state = state.random;
  }
}
