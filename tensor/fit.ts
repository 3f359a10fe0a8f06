import { TrainingError } from '../core/errors.ts';
import type { Portable } from '../core/plugin.ts';
import type { Random } from '../stats/random.ts';
import { cut } from './batches.ts';

/** A network that learns batch by batch and whose whole state (weights, optimiser, random streams, annealing) can be saved. */
export interface Model {
  /** One optimiser step over a batch of cells; returns the loss. */
  step(rows: Uint32Array): number;
  state(): Portable;
  restore(state: Portable): void;
}

/** A piece of work that goes on step by step and can be saved between any two of them. */
export interface Training {
  /** One unit of work, some milliseconds; false when there is nothing left to do. */
  advance(): boolean;
  /** How far it is, in [0, 1], and a note such as "epoch 3 of 60". */
  readonly progress: { readonly fraction: number; readonly note: string };
  state(): Portable;
  /** Goes on from a saved state; called before the first `advance`. */
  restore(state: Portable): void;
}

/** One value an epoch, by name. */
export type Curves = Record<string, number[]>;

/** Curves as they are kept: in checkpoints and in panels. */
export const keptCurves = (curves: Curves): Record<string, Float64Array> =>
  Object.fromEntries(Object.entries(curves).map(([name, values]) => [name, Float64Array.from(values)]));

/** What is known at the end of an epoch. */
export interface EpochEnd {
  /** From 1. */
  readonly epoch: number;
  /** Mean of the batches' losses. */
  readonly loss: number;
}

export interface FitOptions {
  /** The cells to learn from. */
  readonly rows: Uint32Array;
  readonly batch: number;
  /** Leave out a last batch that is not full (when there is a full one). */
  readonly dropLast?: boolean;
  /** At most so many epochs. */
  readonly epochs: number;
  /** Draws the order of the cells in each epoch. */
  readonly random: Random;
  /** Called after each epoch: values for the curves, and whether to stop here. */
  readonly endEpoch?: (end: EpochEnd) => { readonly values?: Readonly<Record<string, number>>; readonly stop?: boolean };
}

type FitState = {
  readonly epoch: number;
  readonly batch: number;
  readonly sum: number;
  readonly stopped: boolean;
  readonly order: Uint32Array;
  readonly random: readonly number[];
  readonly curves: Readonly<Record<string, Float64Array>>;
  readonly model: Portable;
};

/** A loss this many times the first epoch's (and more than a thousand) is taken for divergence. */
const DIVERGED = 1e6;

/** Trains a model over shuffled batches for some epochs; one batch an `advance`. Throws TrainingError when the loss diverges. */
export class Fit implements Training {
  readonly curves: Curves = { loss: [] };
  readonly #model: Model;
  readonly #options: FitOptions;
  #epoch = 0;
  #batch = 0;
  #sum = 0;
  #stopped = false;
  #order: Uint32Array = new Uint32Array(0);
  #batches: Uint32Array[] = [];

  constructor(model: Model, options: FitOptions) {
    this.#model = model;
    this.#options = options;
  }

  /** Epochs that are over. */
  get epoch(): number {
    return this.#epoch;
  }

  get progress(): Training['progress'] {
    const { epochs } = this.#options;
    const part = this.#batches.length > 0 ? this.#batch / this.#batches.length : 0;
    return { fraction: Math.min(1, (this.#epoch + part) / epochs), note: `epoch ${Math.min(epochs, this.#epoch + 1)} of ${epochs}` };
  }

  advance(): boolean {
    const { epochs } = this.#options;
    if (this.#stopped || this.#epoch >= epochs) return false;
    if (this.#batch === 0) this.#shuffle();
    const loss = this.#model.step(this.#batches[this.#batch]);
    this.#batch++;
    this.#requireSound(loss);
    this.#sum += loss / this.#batches.length;
    if (this.#batch === this.#batches.length) this.#endEpoch();
    return !this.#stopped && this.#epoch < epochs;
  }

  #shuffle(): void {
    const { rows, random } = this.#options;
    this.#order = Uint32Array.from(random.permutation(rows.length), (at) => rows[at]);
    this.#batches = this.#cut(this.#order);
    this.#sum = 0;
  }

  #cut(order: Uint32Array): Uint32Array[] {
    return cut(order, this.#options.batch, this.#options);
  }

  #endEpoch(): void {
    this.#epoch++;
    this.#batch = 0;
    const { values = {}, stop = false } = this.#options.endEpoch?.({ epoch: this.#epoch, loss: this.#sum }) ?? {};
    for (const [name, value] of Object.entries({ loss: this.#sum, ...values })) (this.curves[name] ??= []).push(value);
    this.#stopped = stop;
  }

  #requireSound(loss: number): void {
    const first = this.curves.loss[0];
    const isWild = first !== undefined && Math.abs(loss) > DIVERGED * Math.max(1e-3, Math.abs(first));
    if (Number.isFinite(loss) && !isWild) return;
    throw new TrainingError(isWild ? 'The loss diverges' : 'The loss is no longer a number', {
      context: { epoch: this.#epoch + 1, batch: this.#batch, loss: String(loss) },
      mend: 'Lower the learning rate, and check the scale of X.',
    });
  }

  state(): Portable {
    return {
      epoch: this.#epoch,
      batch: this.#batch,
      sum: this.#sum,
      stopped: this.#stopped,
      order: this.#order.slice(),
      random: this.#options.random.state,
      curves: keptCurves(this.curves),
      model: this.#model.state(),
    };
  }

  restore(saved: Portable): void {
    const state = saved as unknown as FitState;
    this.#epoch = state.epoch;
    this.#batch = state.batch;
    this.#sum = state.sum;
    this.#stopped = state.stopped;
    this.#order = state.order;
    this.#batches = this.#cut(state.order);
    this.#options.random.state = state.random;
    for (const [name, values] of Object.entries(state.curves)) this.curves[name] = [...values];
    this.#model.restore(state.model);
  }
}

/** Says stop after `patience` values in a row that are not better than the best by more than `minDelta`. Lower is better. */
export class EarlyStop {
  #best = Number.POSITIVE_INFINITY;
  #waited = 0;
  readonly #patience: number;
  readonly #minDelta: number;

  constructor({ patience, minDelta = 0 }: { readonly patience: number; readonly minDelta?: number }) {
    this.#patience = patience;
    this.#minDelta = minDelta;
  }

  /** Notes a value; true when it is time to stop. */
  stops(value: number): boolean {
    if (value < this.#best - this.#minDelta) {
      this.#best = value;
      this.#waited = 0;
    } else this.#waited++;
    return this.#waited >= this.#patience;
  }

  state(): { readonly best: number; readonly waited: number } {
    return { best: this.#best, waited: this.#waited };
  }

  restore({ best, waited }: { readonly best: number; readonly waited: number }): void {
    this.#best = best;
    this.#waited = waited;
  }
}
