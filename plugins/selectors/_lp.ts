import { ResourceError } from '../contract.ts';
import type { Separations } from '../../stats/scgenefit.ts';

/** A linear program: 0 <= alpha <= 1, sum alpha <= k, row . alpha >= epsilon x margin - b with b >= 0; the sum of b is to be smallest. */
export interface SeparationProgram extends Separations {
  readonly k: number;
  readonly epsilon: number;
  /** Where many alpha are equally good, those with the highest alpha . preference are taken; without it, whichever the solver ends at. */
  readonly preference?: Float64Array | undefined;
  /** Awaited after each round, with the rows that were needed so far. */
  readonly onRound?: (rows: number) => void | Promise<void>;
}

/** Where a program ends. */
export interface SeparationOptimum {
  readonly alpha: Float64Array;
  /** The sum of b, in the unit of the margin's rows. */
  readonly slack: number;
  /** Rows that the solver had to see. */
  readonly rows: number;
}

const BATCH = 25;
const CLOSE = 1e-7;

/**
 * Solves the program with HiGHS (simplex). Few rows bind, so they are given to the solver as they are found violated, the worst first,
 * until none is left: the optimum of the rows given is then that of all. Each round starts from the basis of the last one.
 * Throws a ResourceError when the solver runs out of memory or gives up.
 */
export async function solveSeparations(program: SeparationProgram): Promise<SeparationOptimum> {
  const { genes, k, epsilon, margin, preference } = program;
  // Its types are read as CommonJS, with the function one default deeper than it is.
  const { default: load } = (await import('highs')) as unknown as { default: (typeof import('highs'))['default'] };
  const highs = await load();
  const free = highs.infinity;
  const filled = (length: number, value: number): Float64Array => new Float64Array(length).fill(value);
  const model = highs.createModel({
    numCols: genes,
    numRows: 1,
    colCost: filled(genes, 0),
    colLower: filled(genes, 0),
    colUpper: filled(genes, 1),
    rowLower: filled(1, -free),
    rowUpper: filled(1, Math.min(k, genes)),
    matrix: {
      format: 'csr',
      numRows: 1,
      numCols: genes,
      starts: Int32Array.of(0, genes),
      indices: Int32Array.from({ length: genes }, (_, j) => j),
      values: filled(genes, 1),
    },
  });
  try {
    model.options.set({ output_flag: false, presolve: 'off', solver: 'simplex' });
    const isGiven = new Uint8Array(program.rows.length / genes);
    let given = 0;
    /** The row that holds the sum of b at its best. */
    let budget: number | undefined;
    let columns = genes;
    let alpha = filled(genes, k / genes);

    const give = (rows: readonly number[]): void => {
      const starts = new Int32Array(rows.length + 1);
      const indices = new Int32Array(rows.length * (genes + 1));
      const values = new Float64Array(indices.length);
      let used = 0;
      rows.forEach((r, t) => {
        isGiven[r] = 1;
        for (let j = 0; j < genes; j++) {
          const value = program.rows[r * genes + j] / margin;
          if (value === 0) continue;
          indices[used] = j;
          values[used++] = value;
        }
        indices[used] = columns + t;
        values[used++] = 1;
        starts[t + 1] = used;
      });
      model.addVars(filled(rows.length, 0), filled(rows.length, free));
      const matrix = {
        format: 'csr',
        numRows: rows.length,
        numCols: columns + rows.length,
        starts,
        indices: indices.subarray(0, used),
        values: values.subarray(0, used),
      } as const;
      model.addRows({ lower: filled(rows.length, epsilon), upper: filled(rows.length, free), matrix });
      columns += rows.length;
      given += rows.length;
    };
    const solve = async (): Promise<void> => {
      const { modelStatus } = model.run();
      if (modelStatus !== highs.constants.modelStatus.optimal) {
        throw new ResourceError(`The linear program's solver gave up (HiGHS status ${modelStatus})`, {
          context: { rows: given, genes },
          retryable: false,
          mend: 'Use fewer genes (hvg.top) or a smaller max_constraints.',
        });
      }
      alpha = model.getSolution().colValue.slice(0, genes);
      await program.onRound?.(given);
    };
    /** Gives violated rows, their slack at this cost, until there are none. */
    const settle = async (cost: number, least = 0): Promise<void> => {
      for (let wanted = violated(program, alpha, isGiven, least); wanted.length > 0; wanted = violated(program, alpha, isGiven)) {
        const from = columns;
        give(wanted);
        for (let c = from; c < columns; c++) {
          model.changeColCost(c, cost);
          if (budget !== undefined) model.changeCoefficient(budget, c, 1);
        }
        await solve();
      }
    };

    await settle(1, 1);
    const slack = model.getObjectiveValue();
    if (preference) {
      const highest = preference.reduce((a, b) => Math.max(a, b), 0) || 1;
      preference.forEach((w, j) => model.changeColCost(j, -w / highest));
      const slacks = Int32Array.from({ length: given }, (_, r) => genes + r);
      slacks.forEach((c) => model.changeColCost(c, 0));
      budget = given + 1;
      model.addRow(-free, slack + CLOSE, { indices: slacks, values: filled(given, 1) });
      await solve();
      await settle(0);
    }
    return { alpha, slack: slack * margin, rows: given };
  } finally {
    model.dispose();
  }
}

/** The most violated rows, worst first; at least `least` rows, violated or not. */
function violated({ genes, rows, margin, epsilon }: SeparationProgram, alpha: Float64Array, isGiven: Uint8Array, least = 0): number[] {
  const worst: [missing: number, row: number][] = [];
  for (let r = 0; r < isGiven.length; r++) {
    if (isGiven[r]) continue;
    let dot = 0;
    for (let j = 0, p = r * genes; j < genes; j++, p++) dot += rows[p] * alpha[j];
    worst.push([epsilon - dot / margin, r]);
  }
  worst.sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  return worst.slice(0, BATCH).flatMap(([missing, r], at) => (missing > CLOSE || at < least ? [r] : []));
}
