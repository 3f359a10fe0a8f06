import { orderDescending } from '../../stats/ranks.ts';
import type { Separations } from '../../stats/scgenefit.ts';
import { ResourceError } from '../contract.ts';

/** A linear program: 0 <= alpha <= 1, sum alpha <= k, row . alpha >= epsilon x margin - b with b >= 0; the sum of b is to be smallest. */
export interface SeparationProgram extends Separations {
  readonly k: number;
  readonly epsilon: number;
  /** Where many alpha are equally good, those with the highest alpha . preference are taken; without it, whichever the solver ends at. */
  readonly preference?: Float64Array | undefined;
  /** Awaited after each round, with the numbers of rows and genes that were needed so far. */
  readonly onRound?: (rows: number, genes: number) => void | Promise<void>;
}

/** Where a program ends. */
export interface SeparationOptimum {
  readonly alpha: Float64Array;
  /** The sum of b. */
  readonly slack: number;
  /** Rows and genes that the solver had to see. */
  readonly rows: number;
  readonly seen: number;
}

type Load = (typeof import('highs'))['default'];
let loading: ReturnType<Load> | undefined;

/** The solver, compiled once in a process; a new one after it has failed. */
function solver(): ReturnType<Load> {
  loading ??= import('highs').then((module) => (module as unknown as { default: Load }).default());
  return loading;
}

const ROWS = 25;
const GENES = 100;
const CLOSE = 1e-7;

/**
 * Solves the program with HiGHS (simplex). Few rows bind and few genes get weight, so both are given to the solver as they are needed: the
 * rows most violated, and the genes of lowest reduced cost, until none is left. The optimum of what was given is then that of all. Each
 * round starts from the basis of the last one. Throws a ResourceError when the solver runs out of memory or gives up.
 */
export async function solveSeparations(program: SeparationProgram): Promise<SeparationOptimum> {
  const highs = await solver();
  const { genes, k, epsilon, margin, preference, rows } = program;
  const free = highs.infinity;
  const count = rows.length / genes;
  const filled = (length: number, value: number): Float64Array => new Float64Array(length).fill(value);
  const model = highs.createModel();
  /** Rows and genes given, and where they stand in the model. */
  const [givenRows, rowPlaces, givenGenes, genePlaces, slacks]: number[][] = [[], [], [], [], []];
  const isRow = new Uint8Array(count);
  const isGene = new Uint8Array(genes);
  const alpha = filled(genes, Math.min(1, k / genes));
  const costs = filled(genes, 0);
  let duals: Float64Array = filled(1, 0);
  let [slackCost, budget, columns, height] = [1, -1, 0, 1];

  const giveGenes = (list: readonly number[]): void => {
    const own = givenRows.length + 1;
    const values = filled(list.length * own, 1);
    const indices = new Int32Array(values.length);
    list.forEach((j, at) => {
      isGene[j] = 1;
      givenGenes.push(j);
      genePlaces.push(columns++);
      givenRows.forEach((r, t) => {
        indices[at * own + t + 1] = rowPlaces[t];
        values[at * own + t + 1] = rows[r * genes + j] / margin;
      });
    });
    const starts = Int32Array.from({ length: list.length + 1 }, (_, at) => at * own);
    model.addCols({
      cost: Float64Array.from(list, (j) => costs[j]),
      lower: filled(list.length, 0),
      upper: filled(list.length, 1),
      matrix: { format: 'csc', numRows: height, numCols: list.length, starts, indices, values },
    });
  };
  const giveRows = (list: readonly number[]): void => {
    for (const r of list) {
      isRow[r] = 1;
      model.addCol(slackCost, 0, free, budget < 0 ? { indices: [], values: [] } : { indices: [budget], values: [1] });
      const indices = Int32Array.from([...genePlaces, columns]);
      const values = Float64Array.from([...givenGenes, -1], (j) => (j < 0 ? 1 : rows[r * genes + j] / margin));
      model.addRow(epsilon, free, { indices, values });
      slacks.push(columns++);
      givenRows.push(r);
      rowPlaces.push(height++);
    }
  };
  const solve = async (): Promise<void> => {
    const { modelStatus } = model.run();
    if (modelStatus !== highs.constants.modelStatus.optimal) throw gaveUp(givenRows.length, givenGenes.length, modelStatus);
    const { colValue, rowDual } = model.getSolution();
    alpha.fill(0);
    givenGenes.forEach((j, at) => (alpha[j] = colValue[genePlaces[at]]));
    duals = rowDual;
    await program.onRound?.(givenRows.length, givenGenes.length);
  };
  const violated = (): number[] =>
    worst(count, ROWS, (r) => {
      if (isRow[r]) return 0;
      let dot = 0;
      for (let j = 0, p = r * genes; j < genes; j++, p++) dot += rows[p] * alpha[j];
      return epsilon - dot / margin;
    });
  const priced = (): number[] => {
    const gains = costs.map((cost) => duals[0] - cost);
    givenRows.forEach((r, t) => {
      const dual = duals[rowPlaces[t]] / margin;
      if (dual !== 0) for (let j = 0, p = r * genes; j < genes; j++, p++) gains[j] += dual * rows[p];
    });
    return worst(genes, GENES, (j) => (isGene[j] ? 0 : gains[j]));
  };
  /** Solves, gives what is missing, and solves again; `isBest` tells when no gene can make it better. */
  const settle = async (isBest: () => boolean): Promise<void> => {
    for (;;) {
      await solve();
      const wanted = violated();
      if (wanted.length > 0) {
        giveRows(wanted);
        continue;
      }
      const helpful = isBest() ? [] : priced();
      if (helpful.length === 0) return;
      giveGenes(helpful);
    }
  };

  try {
    model.options.set({ output_flag: false, presolve: 'off', solver: 'simplex' });
    model.addRow(-free, Math.min(k, genes), { indices: [], values: [] });
    giveGenes(strongest(program));
    const first = violated();
    giveRows(first.length > 0 ? first : [0]);
    await settle(() => model.getObjectiveValue() < CLOSE);
    const slack = model.getObjectiveValue();
    if (preference) {
      const highest = preference.reduce((a, b) => Math.max(a, b), 0) || 1;
      slackCost = 0;
      for (const c of slacks) model.changeColCost(c, 0);
      preference.forEach((w, j) => (costs[j] = -w / highest));
      givenGenes.forEach((j, at) => model.changeColCost(genePlaces[at], costs[j]));
      budget = height++;
      model.addRow(-free, slack + CLOSE, { indices: slacks, values: filled(slacks.length, 1) });
      await settle(() => false);
    }
    return { alpha, slack: slack * margin, rows: givenRows.length, seen: givenGenes.length };
  } catch (error) {
    loading = undefined;
    // The solver's memory ends at 4 GB, and it then fails in words of its own.
    if (!(error instanceof Error && /^(Runtime|Highs)/.test(error.name))) throw error;
    throw gaveUp(givenRows.length, givenGenes.length, error.message);
  } finally {
    model.dispose();
  }
}

function gaveUp(rows: number, genes: number, why: number | string): ResourceError {
  return new ResourceError(`The linear program's solver gave up (HiGHS: ${why})`, {
    context: { rows, genes },
    retryable: false,
    mend: 'Use fewer genes (hvg.top) or a smaller max_constraints.',
  });
}

/** Genes to start with: those with the highest sum over all rows. */
function strongest({ genes, rows, k }: SeparationProgram): number[] {
  const sums = new Float64Array(genes);
  for (let p = 0; p < rows.length; p++) sums[p % genes] += rows[p];
  return Array.from(orderDescending(sums).subarray(0, Math.max(5 * GENES, 4 * k)));
}

/** At most `most` of the numbers below `count`, those with the highest value first, if it is above zero. */
function worst(count: number, most: number, valueOf: (i: number) => number): number[] {
  const found: [value: number, i: number][] = [];
  for (let i = 0; i < count; i++) {
    const value = valueOf(i);
    if (value > CLOSE) found.push([value, i]);
  }
  found.sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  return found.slice(0, most).map(([, i]) => i);
}
