import { DataError, type Dataset, denseBlock, labels, z } from '../contract.ts';
import { defineAssessor } from '../spatial-contract.ts';

/** Agreement of predicted and measured expression over the test spots, gene by gene and on average. */
export default defineAssessor({
  id: 'expression',
  version: 1,
  summary: 'Pearson and Spearman correlation, squared and absolute error of each gene over the test spots, and their means over the genes',
  params: z.strictObject({
    within: z
      .string()
      .optional()
      .describe('obs column, e.g. section: everything is computed within each of its classes, and the mean over classes counts'),
  }),
  run: async (_context, { data, prediction }, { within }) => {
    const { genes, rows } = prediction;
    if (rows.length < 2) {
      throw new DataError(`A fold of ${rows.length} test spot${rows.length === 1 ? '' : 's'}: a correlation needs at least 2`, {
        context: { test_spots: rows.length },
        mend: 'Take fewer folds, or slides with more spots.',
      });
    }
    const { agreement } = await import('../../stats/expression-agreement.ts');
    const truth = denseBlock(data.X, rows, genes).data;
    const found = agreement({ truth, predicted: prediction.values, genes: genes.length }, groupsOf(data, rows, within));
    if (found.pcc.every(Number.isNaN)) {
      throw new DataError('No primary gene varies over the test spots, so no correlation is defined', {
        context: { test_spots: rows.length, genes: genes.length },
        mend: 'Take fewer folds, or other primary genes.',
      });
    }
    const values = Object.fromEntries(Object.entries(found).map(([name, each]) => [name, nanMean(each)]));
    const constant = (block: Float32Array): number => constantColumns(block, genes.length);
    return {
      metrics: { values, genes: { columns: genes, values: found } },
      facts: { test_spots: rows.length, constant_genes: constant(truth), constant_predictions: constant(prediction.values) },
    };
  },
});

/** Places among the test spots, by class of a column; all in one group without a column, and groups of one spot left out. */
function groupsOf(data: Dataset, rows: Uint32Array, within: string | undefined): number[][] {
  const places = Array.from(rows.keys());
  if (within === undefined) return [places];
  const { codes, classes } = labels(data.obs, within);
  const groups = classes.map((_, c) => places.filter((at) => codes[rows[at]] === c)).filter((group) => group.length >= 2);
  if (groups.length > 0) return groups;
  throw new DataError(`No class of "${within}" has 2 test spots`, {
    context: { column: within, test_spots: rows.length },
    mend: 'Take fewer folds, or leave `within` out.',
  });
}

const nanMean = (values: Float32Array): number => {
  const known = values.filter((v) => !Number.isNaN(v));
  return known.reduce((a, b) => a + b, 0) / known.length;
};

/** Columns of a block in which all values are the same. */
function constantColumns(block: Float32Array, width: number): number {
  const isConstant = (c: number): boolean => block.every((value, at) => at % width !== c || value === block[c]);
  return Array.from({ length: width }, (_, c) => c).filter(isConstant).length;
}
