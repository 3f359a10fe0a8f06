import { TrainingError } from '../core/errors.ts';
import type { Portable } from '../core/plugin.ts';
import type { Random } from '../stats/random.ts';
import { Fit, type Model, type Training } from './fit.ts';

/** A model whose learning rate can be set. */
export interface RatedModel extends Model {
  rate: number;
}

export interface LrFinderOptions {
  readonly rows: Uint32Array;
  readonly batch: number;
  /** Steps of the search. */
  readonly steps: number;
  /** The rate rises evenly from `from` to `to`. */
  readonly from: number;
  readonly to: number;
  readonly random: Random;
}

/** Weight of the past in the smoothed loss; the first and last points are left out of the choice. */
const SMOOTHING = 0.98;
const SKIP_FIRST = 10;
const SKIP_LAST = 1;

/**
 * The learning rate where the loss falls fastest (Smith 2017, arXiv:1506.01186; smoothing and choice as in PyTorch Lightning): trains with
 * a rising rate, then puts the model back as it was, with the rate found. NaN or a diverging loss ends the search early.
 */
export class LrFinder implements Training {
  readonly #model: RatedModel;
  readonly #options: LrFinderOptions;
  readonly #fit: Fit;
  #before: Portable;
  #step = 0;
  #average = 0;
  #losses: number[] = [];

  constructor(model: RatedModel, options: LrFinderOptions) {
    this.#model = model;
    this.#options = options;
    this.#before = model.state();
    const watched: Model = { step: (rows) => this.#trial(rows), state: () => model.state(), restore: (state) => model.restore(state) };
    this.#fit = new Fit(watched, { rows: options.rows, batch: options.batch, epochs: options.steps, random: options.random });
  }

  #rateOf(step: number): number {
    const { from, to, steps } = this.#options;
    return from + ((to - from) * step) / Math.max(1, steps - 1);
  }

  #trial(rows: Uint32Array): number {
    this.#model.rate = this.#rateOf(this.#step);
    const loss = this.#model.step(rows);
    this.#step++;
    this.#average = SMOOTHING * this.#average + (1 - SMOOTHING) * loss;
    this.#losses.push(this.#average / (1 - SMOOTHING ** this.#step));
    return loss;
  }

  get progress(): Training['progress'] {
    return { fraction: this.#step / this.#options.steps, note: `learning rate, step ${this.#step} of ${this.#options.steps}` };
  }

  advance(): boolean {
    if (this.#step < this.#options.steps) this.#tryOne();
    if (this.#step < this.#options.steps) return true;
    const rate = this.rate;
    this.#model.restore(this.#before);
    this.#model.rate = rate;
    return false;
  }

  #tryOne(): void {
    try {
      this.#fit.advance();
    } catch (error) {
      if (!(error instanceof TrainingError)) throw error;
      this.#losses.pop();
      this.#step = this.#options.steps;
    }
  }

  /** What the search says so far. */
  get rate(): number {
    const at = steepest(this.#losses);
    return this.#rateOf(at ?? Math.floor(this.#losses.length / 2));
  }

  state(): Portable {
    return {
      step: this.#step,
      average: this.#average,
      losses: Float64Array.from(this.#losses),
      before: this.#before,
      fit: this.#fit.state(),
    };
  }

  restore(saved: Portable): void {
    const state = saved as unknown as { step: number; average: number; losses: Float64Array; before: Portable; fit: Portable };
    this.#step = state.step;
    this.#average = state.average;
    this.#losses = [...state.losses];
    this.#before = state.before;
    this.#fit.restore(state.fit);
  }
}

/** Step of the most negative slope of the losses, by central differences; nothing when there are too few. */
export function steepest(losses: readonly number[]): number | undefined {
  const from = SKIP_FIRST;
  const to = losses.length - SKIP_LAST;
  if (to - from < 2) return undefined;
  let best: number | undefined;
  let least = Infinity;
  for (let i = from; i < to; i++) {
    const [low, high] = [Math.max(from, i - 1), Math.min(to - 1, i + 1)];
    const slope = (losses[high] - losses[low]) / (high - low);
    if (slope < least) [least, best] = [slope, i];
  }
  return best;
}
