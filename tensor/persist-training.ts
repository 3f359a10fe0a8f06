import type { Portable } from '../core/plugin.ts';
import type { Matrix } from '../data/matrix.ts';
import { Random } from '../stats/random.ts';
import type { Backend } from './backend.ts';
import { Batches } from './batches.ts';
import { type Curves, type EpochEnd, Fit, keptCurves, type Training } from './fit.ts';
import type { NetworkLayer } from './network.ts';
import { type Mask, PersistNetwork, type Target } from './persist.ts';
import { nextPenalty, type Trial } from './persist-units.ts';

export interface PersistCells {
  /** What the network sees of it is whether values are above 0. */
  readonly matrix: Matrix;
  /** Cells to learn from. */
  readonly rows: Uint32Array;
  readonly target:
    | { readonly kind: 'classes'; readonly codes: Int32Array; readonly classCount: number }
    | { readonly kind: 'expression'; readonly matrix: Matrix };
}

export interface PersistSettings {
  readonly k: number;
  readonly seed: number;
  /**
   * Genes that the first stage should leave, and by what share their number may be off; a target of all genes skips the stage. `isSwift`: a
   * trial ends as soon as no more than the target are open, and the target genes with the widest gates go on.
   */
  readonly candidates: { readonly target: number; readonly tolerance: number; readonly trials: number; readonly isSwift: boolean };
  /** At most so many, for each trial of the first stage, for the second stage, and for the network on the panel alone (0: none). */
  readonly epochs: { readonly eliminate: number; readonly select: number; readonly refit: number };
  readonly temperature: { readonly start: number; readonly end: number };
  /** First penalty on open gates. */
  readonly penalty: number;
  readonly batch: number;
  readonly hidden: number;
  readonly rate: number;
  /** Learning rates of the masks, as multiples of `rate`. */
  readonly maskRate: { readonly gates: number; readonly rows: number };
  readonly draws: number;
  /** Rows that choose the same gene begin anew in this first share of the second stage's epochs (never in the last one). */
  readonly mendUntil: number;
  readonly log: (line: string) => void;
}

type Stage = 'eliminate' | 'select' | 'refit' | 'done';

type State = {
  readonly stage: Stage;
  readonly trials: readonly Trial[];
  readonly penalty: number;
  readonly candidates: Uint32Array;
  readonly nearest: Uint32Array;
  readonly genes: Uint32Array;
  readonly scores: Float64Array;
  readonly layers: readonly NetworkLayer[];
  readonly curves: Readonly<Record<string, Float64Array>>;
  readonly fit: Portable;
};

/** Share of the first trial's epochs in which a swift first stage learns with no penalty. */
const WARM = 0.3;
/** What a mask's mean must be near to, to be taken for decided. */
const DECIDED = 0.01;

/**
 * The stages of PERSIST: gates under a penalty, in trials, until about so many genes are left; then rows that choose k of them; then, where
 * asked for, the network learns on with the panel alone.
 */
export class PersistTraining implements Training {
  readonly curves: Curves = {};
  /** The panel, best first, and each row's share of its gene. */
  genes: Uint32Array = new Uint32Array(0);
  scores: Float64Array = new Float64Array(0);
  /** The perceptron behind the panel. */
  layers: readonly NetworkLayer[] = [];
  readonly #backend: Backend;
  readonly #cells: PersistCells;
  readonly #settings: PersistSettings;
  readonly #expression: Batches | undefined;
  #stage: Stage;
  #trials: Trial[];
  #penalty: number;
  /** Genes that the second stage may choose. */
  #candidates: Uint32Array;
  /** The trial's genes that came nearest to the target. */
  #nearest: Uint32Array;
  #batches: Batches | undefined;
  #network: PersistNetwork | undefined;
  #fit: Fit | undefined;

  constructor(backend: Backend, cells: PersistCells, settings: PersistSettings) {
    const genes = cells.matrix.cols;
    this.#backend = backend;
    this.#cells = cells;
    this.#settings = settings;
    this.#candidates = Uint32Array.from({ length: genes }, (_, j) => j);
    this.#nearest = this.#candidates;
    this.#trials = [{ penalty: 0, genes }];
    this.#penalty = settings.penalty;
    const { rows, target } = cells;
    if (target.kind === 'expression') this.#expression = new Batches(backend.tf, target.matrix, { rows, form: { kind: 'plain' } });
    this.#stage = settings.candidates.target < genes && settings.k < genes ? 'eliminate' : 'select';
  }

  /** Genes that the second stage chose from. */
  get candidates(): number {
    return this.#candidates.length;
  }

  /** Trials of the first stage. */
  get trials(): number {
    return this.#trials.length - 1;
  }

  get progress(): Training['progress'] {
    const stages: readonly Stage[] = ['eliminate', 'select', 'refit', 'done'];
    const fit = this.#fit?.progress ?? { fraction: 0, note: '' };
    const at = [0, 0.5, 0.95, 1][stages.indexOf(this.#stage)];
    const { trials } = this.#settings.candidates;
    if (this.#stage === 'eliminate')
      return { fraction: (0.5 * (this.trials + fit.fraction)) / trials, note: `eliminate, trial ${this.trials + 1}, ${fit.note}` };
    return { fraction: at + fit.fraction * (this.#stage === 'select' ? 0.45 : 0.05), note: `${this.#stage}, ${fit.note}` };
  }

  advance(): boolean {
    if (this.#isDone()) return false;
    if (!this.#fit) this.#begin();
    if (this.#fit!.advance()) return true;
    this.#end();
    return !this.#isDone();
  }

  #isDone(): boolean {
    return this.#stage === 'done';
  }

  /** Network, batches and epochs of the stage that begins; `initial` parameters to go on from. */
  #begin(initial?: readonly Float32Array[]): void {
    const { k, seed, candidates, epochs, batch, hidden, rate, maskRate, draws } = this.#settings;
    const { matrix, rows } = this.#cells;
    const stage = this.#stage as Exclude<Stage, 'done'>;
    const genes = stage === 'refit' ? this.genes : this.#candidates;
    const stream = `persist ${stage}${stage === 'eliminate' ? ` ${this.trials}` : ''}`;
    this.#batches ??= new Batches(this.#backend.tf, matrix, { rows, form: { kind: 'binary' }, genes });
    const perEpoch = rows.length > batch ? Math.floor(rows.length / batch) : 1;
    const steps = perEpoch * epochs[stage];
    const { start, end } = this.#settings.temperature;
    const mask: Record<typeof stage, Mask> = {
      eliminate: { kind: 'gates', penalty: this.#penalty, from: candidates.isSwift && this.trials === 0 ? Math.floor(WARM * steps) : 0 },
      select: { kind: 'rows', k },
      refit: { kind: 'none' },
    };
    this.#network = new PersistNetwork(this.#backend, this.#batches, this.#target(), {
      mask: mask[stage],
      hidden,
      rate,
      maskRate: stage === 'eliminate' ? maskRate.gates : maskRate.rows,
      draws,
      seed,
      stream,
      temperature: (step) => start * (end / start) ** (step / steps),
      ...(initial ? { initial } : {}),
    });
    const endEpoch = { eliminate: () => this.#endGates(), select: (e: EpochEnd) => this.#endRows(e), refit: () => ({}) }[stage];
    this.#fit = new Fit(this.#network, {
      rows,
      batch,
      dropLast: true,
      epochs: epochs[stage],
      random: Random.of(seed, stream, 'order'),
      endEpoch,
    });
  }

  #target(): Target {
    const { target } = this.#cells;
    return target.kind === 'classes' ? target : { kind: 'expression', batches: this.#expression! };
  }

  #endGates(): { values: Record<string, number>; stop: boolean } {
    const { target, isSwift } = this.#settings.candidates;
    const genes = this.#network!.gates().reduce((n, v) => n + Number(v > 0), 0);
    const values = { genes, temperature: this.#network!.temperature };
    return { values, stop: isSwift ? genes <= target : this.#network!.meanMask().every((m) => Math.min(m, 1 - m) < DECIDED) };
  }

  #endRows({ epoch }: EpochEnd): { values: Record<string, number>; stop: boolean } {
    const network = this.#network!;
    const { temperature } = network;
    const { mendUntil, epochs } = this.#settings;
    const collisions = epoch < epochs.select && epoch <= mendUntil * epochs.select ? network.mendCollisions() : 0;
    const certainty = network.meanMask().sort().at(-this.#settings.k)!;
    return { values: { temperature, collisions, certainty }, stop: collisions === 0 && certainty > 1 - DECIDED };
  }

  #end(): void {
    for (const [name, values] of Object.entries(this.#fit!.curves)) (this.curves[`${this.#stage} ${name}`] ??= []).push(...values);
    const initial = { eliminate: () => this.#endTrial(), select: () => this.#endSelection(), refit: () => this.#endRefit() }[
      this.#stage as Exclude<Stage, 'done'>
    ]();
    if (!this.#isDone()) this.#begin(initial);
  }

  /** Decides about the candidates after a trial; parameters for the next one where it goes on from them. */
  #endTrial(): Float32Array[] | undefined {
    const { candidates, k, log } = this.#settings;
    const { target, tolerance, trials, isSwift } = candidates;
    const gates = this.#network!.gates();
    const shut = gates.filter((v) => v <= 0).length;
    const isNear = isSwift && gates.length - shut <= target * (1 + tolerance);
    const open = isNear ? widest(gates, target) : this.#candidates.filter((_, j) => gates[j] > 0);
    const values = this.#network!.values();
    const isEnough = open.length >= k;
    const isNearer = Math.abs(open.length - target) < Math.abs(this.#nearest.length - target);
    if (isEnough && isNearer) this.#nearest = open;
    this.#trials.push({ penalty: this.#penalty, genes: open.length });
    this.#drop(false);
    const isThere = isEnough && Math.abs(open.length - target) <= tolerance * target;
    if (!isThere && this.trials < trials) {
      this.#penalty = nextPenalty(this.#trials, target);
      return open.length < target * (1 - tolerance) ? undefined : values;
    }
    if (!isThere) {
      log(
        `PERSIST did not come to ${target} candidates (within ${Math.round(100 * tolerance)} %) in ${trials} trials; it goes on with the ` +
          `${this.#nearest.length} genes of the trial that came nearest. Mend: other candidates or another penalty, or more trials.`,
      );
    }
    this.#candidates = this.#nearest;
    this.#stage = 'select';
    this.#drop(true);
    return undefined;
  }

  #endSelection(): Float32Array[] | undefined {
    const { genes, scores } = this.#network!.rank();
    const [first, ...rest] = this.#network!.layers();
    const weights = new Float32Array(genes.length * first.outputs);
    genes.forEach((j, at) => weights.set(first.weights.subarray(j * first.outputs, (j + 1) * first.outputs), at * first.outputs));
    this.genes = genes.map((j) => this.#candidates[j]);
    this.scores = scores;
    this.layers = [{ ...first, inputs: genes.length, weights }, ...rest];
    this.#drop(true);
    this.#stage = this.#settings.epochs.refit > 0 ? 'refit' : 'done';
    return this.layers.flatMap((layer) => [layer.weights, layer.bias]);
  }

  #endRefit(): undefined {
    this.layers = this.#network!.layers();
    this.#drop(true);
    this.#stage = 'done';
  }

  /** Lets go of the stage's network, and of its cells. */
  #drop(withCells: boolean): void {
    this.#network?.dispose();
    this.#network = undefined;
    this.#fit = undefined;
    if (!withCells) return;
    this.#batches?.dispose();
    this.#batches = undefined;
  }

  state(): Portable {
    return {
      stage: this.#stage,
      trials: this.#trials.map((trial) => ({ ...trial })),
      penalty: this.#penalty,
      candidates: this.#candidates,
      nearest: this.#nearest,
      genes: this.genes,
      scores: this.scores,
      layers: this.layers.map((layer) => ({ ...layer })),
      curves: keptCurves(this.curves),
      fit: this.#fit?.state() ?? null,
    };
  }

  restore(saved: Portable): void {
    const state = saved as unknown as State;
    this.#drop(true);
    this.#stage = state.stage;
    this.#trials = [...state.trials];
    this.#penalty = state.penalty;
    this.#candidates = state.candidates;
    this.#nearest = state.nearest;
    this.genes = state.genes;
    this.scores = state.scores;
    this.layers = state.layers;
    for (const [name, values] of Object.entries(state.curves)) this.curves[name] = [...values];
    if (state.fit === null) return;
    this.#begin();
    this.#fit!.restore(state.fit);
  }

  dispose(): void {
    this.#drop(true);
    this.#expression?.dispose();
  }
}

/** The numbers of the largest values, in rising order. */
const widest = (gates: Float32Array, count: number): Uint32Array =>
  Uint32Array.from(gates.keys())
    .sort((a, b) => gates[b] - gates[a] || a - b)
    .subarray(0, count)
    .sort();
