import { describe, expect, it } from 'vitest';
import expression from '../../../plugins/assessors/expression.ts';
import { type Dataset, denseBlock, type Metrics } from '../../../plugins/contract.ts';
import type { Prediction } from '../../../plugins/spatial-contract.ts';
import { pearson, spearman } from '../../../stats/ranks.ts';
import { testContext, tinyAtlas } from '../../kit/tiny-atlas.ts';

const GENES = Uint32Array.of(4, 0, 9);
const ROWS = Uint32Array.from({ length: 30 }, (_, i) => 5 * i);

const truthOf = (data: Dataset): Float32Array => denseBlock(data.X, ROWS, GENES).data;
const predictionOf = (values: Float32Array, rows = ROWS): Prediction => ({ genes: GENES, rows, values });
async function judge(
  prediction: Prediction,
  { data = tinyAtlas(), params = {} } = {},
): Promise<{ metrics: Metrics; facts: Record<string, unknown> }> {
  const { outputs, facts } = await expression.run(testContext(), { data, prediction }, expression.params.parse(params));
  return { metrics: outputs.metrics as Metrics, facts: { ...facts } };
}

describe('assessor/expression', () => {
  const data = tinyAtlas();
  const truth = truthOf(data);
  const noisy = truth.map((t, at) => 0.5 * t + 0.3 * Math.sin(3 * at));

  it('gives 1 and 0 to the truth itself', async () => {
    const { values } = (await judge(predictionOf(truth))).metrics;
    expect(values.pcc).toBeCloseTo(1, 6);
    expect(values.spearman).toBeCloseTo(1, 6);
    expect([values.mse, values.mae]).toEqual([0, 0]);
  });

  it('gives each gene its own, and the means of these', async () => {
    const { values, genes } = (await judge(predictionOf(noisy))).metrics;
    const column = (block: Float32Array, g: number): number[] => Array.from(ROWS, (_, i) => block[3 * i + g]);
    expect([...genes!.columns]).toEqual([...GENES]);
    for (let g = 0; g < 3; g++) {
      const [t, p] = [column(truth, g), column(noisy, g)];
      expect(genes!.values.pcc[g]).toBeCloseTo(pearson(t, p), 6);
      expect(genes!.values.spearman[g]).toBeCloseTo(spearman(t, p), 6);
      expect(genes!.values.mse[g]).toBeCloseTo(
        t.reduce((sum, x, i) => sum + (x - p[i]) ** 2 / 30, 0),
        6,
      );
      expect(genes!.values.mae[g]).toBeCloseTo(
        t.reduce((sum, x, i) => sum + Math.abs(x - p[i]) / 30, 0),
        6,
      );
    }
    for (const [name, each] of Object.entries(genes!.values)) expect(values[name]).toBeCloseTo(each.reduce((a, b) => a + b, 0) / 3, 6);
  });

  it('leaves genes out that are constant over the test spots, and counts constant predictions as 0', async () => {
    if (data.X.kind !== 'csr') throw new Error('sparse expected');
    const { indices } = data.X;
    const silent = { ...data, X: { ...data.X, data: data.X.data.map((x, p) => (indices[p] === 0 ? 0 : x)) } };
    const flat = noisy.map((x, at) => (at % 3 === 2 ? 1 : x));
    const { metrics, facts } = await judge(predictionOf(flat), { data: silent });
    const { pcc } = metrics.genes!.values;
    expect(pcc[1]).toBeNaN();
    expect(pcc[2]).toBe(0);
    expect(metrics.values.pcc).toBeCloseTo(pcc[0] / 2, 6);
    expect(facts).toMatchObject({ constant_genes: 1, constant_predictions: 1, test_spots: 30 });
  });

  it('averages over the classes of a column', async () => {
    const { values } = (await judge(predictionOf(noisy), { params: { within: 'state' } })).metrics;
    const states = data.obs.columns.state as { readonly codes: Int32Array };
    let expected = 0;
    for (const code of [0, 1]) {
      const own = Array.from(ROWS.keys()).filter((i) => states.codes[ROWS[i]] === code);
      for (let g = 0; g < 3; g++)
        expected +=
          pearson(
            own.map((i) => truth[3 * i + g]),
            own.map((i) => noisy[3 * i + g]),
          ) / 6;
    }
    expect(values.pcc).toBeCloseTo(expected, 5);
  });

  it('refuses a fold of one test spot, and test spots over which nothing varies', async () => {
    await expect(judge(predictionOf(truth.slice(0, 3), ROWS.slice(0, 1)))).rejects.toMatchObject({
      code: 'DATA',
      context: { test_spots: 1 },
    });
    const twice = Uint32Array.of(5, 5);
    await expect(judge(predictionOf(truth.slice(0, 6), twice))).rejects.toMatchObject({ code: 'DATA', context: { genes: 3 } });
  });
});
