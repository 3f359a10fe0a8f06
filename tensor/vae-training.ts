import type { Portable } from '../core/plugin.ts';
import { Random } from '../stats/random.ts';
import { type Curves, EarlyStop, Fit, type Training } from './fit.ts';
import { LrFinder } from './lr-finder.ts';
import type { SelectiveVae } from './vae.ts';

export interface VaeTrainingOptions {
  readonly train: Uint32Array;
  /** Cells for the curves and the early stop; may be empty. */
  readonly validation: Uint32Array;
  readonly seed: number;
  readonly epochs: number;
  readonly batch: number;
  /** The search for a learning rate that comes first, if any. */
  readonly finder?: { readonly steps: number; readonly to: number };
  /** Stop after so many epochs without a lower validation loss, but not before `atLeast` epochs; null: never. */
  readonly patience: number | null;
  readonly atLeast: number;
}

/** Where the search for the learning rate begins. */
const LEAST_RATE = 1e-8;

/** Two stages, each with its state: the learning rate (when it is searched for), then the epochs. */
export class VaeTraining implements Training {
  readonly #vae: SelectiveVae;
  readonly #options: VaeTrainingOptions;
  readonly #fit: Fit;
  readonly #stop: EarlyStop;
  #finder: LrFinder | undefined;

  constructor(vae: SelectiveVae, options: VaeTrainingOptions) {
    const { train: rows, batch, epochs, seed, patience } = options;
    this.#vae = vae;
    this.#options = options;
    this.#stop = new EarlyStop({ patience: patience ?? Infinity });
    this.#fit = new Fit(vae, { rows, batch, epochs, random: Random.of(seed, 'order'), endEpoch: ({ epoch }) => this.#endEpoch(epoch) });
    this.#finder = options.finder && this.#newFinder();
  }

  #newFinder(): LrFinder {
    const { train: rows, batch, finder, seed } = this.#options;
    return new LrFinder(this.#vae, { rows, batch, ...finder!, from: LEAST_RATE, random: Random.of(seed, 'finder') });
  }

  #endEpoch(epoch: number): { values: Record<string, number>; stop: boolean } {
    const { validation, atLeast } = this.#options;
    const values: Record<string, number> = { temperature: this.#vae.temperature };
    if (validation.length === 0) return { values, stop: false };
    const { loss, accuracy } = this.#vae.judge(validation);
    const stop = this.#stop.stops(loss) && epoch >= atLeast;
    values['validation loss'] = loss;
    if (!Number.isNaN(accuracy)) values['validation accuracy'] = accuracy;
    return { values, stop };
  }

  get curves(): Curves {
    return this.#fit.curves;
  }

  /** Epochs that are over. */
  get epoch(): number {
    return this.#fit.epoch;
  }

  get progress(): Training['progress'] {
    const { train, batch, epochs, finder } = this.#options;
    if (!finder) return this.#fit.progress;
    const steps = (epochs * train.length) / batch;
    const part = finder.steps / (finder.steps + steps);
    if (this.#finder) return { ...this.#finder.progress, fraction: part * this.#finder.progress.fraction };
    return { ...this.#fit.progress, fraction: part + (1 - part) * this.#fit.progress.fraction };
  }

  advance(): boolean {
    if (!this.#finder) return this.#fit.advance();
    if (!this.#finder.advance()) this.#finder = undefined;
    return true;
  }

  state(): Portable {
    return this.#finder
      ? { stage: 'rate', finder: this.#finder.state() }
      : { stage: 'epochs', fit: this.#fit.state(), stop: this.#stop.state() };
  }

  restore(saved: Portable): void {
    const state = saved as unknown as { stage: string; finder: Portable; fit: Portable; stop: ReturnType<EarlyStop['state']> };
    if (state.stage === 'rate') {
      this.#finder ??= this.#newFinder();
      this.#finder.restore(state.finder);
      return;
    }
    this.#finder = undefined;
    this.#fit.restore(state.fit);
    this.#stop.restore(state.stop);
  }
}
