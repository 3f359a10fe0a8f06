import { describe, expect, it } from 'vitest';
import { type Dataset, takeCells } from '../../data/dataset.ts';
import type { Metrics, Panel, Split, StepDefinition } from '../../plugins/contract.ts';
import { Random } from '../../stats/random.ts';
import { MARKERS, testContext, tinyAtlas, tinySplit } from './tiny-atlas.ts';

/** What `testEvaluator` needs to know beside the definition. */
export interface EvaluatorCase {
  readonly params?: Readonly<Record<string, unknown>>;
  /** The metric that a good panel must raise (or lower, with `lowerIsBetter`). */
  readonly metric: string;
  readonly lowerIsBetter?: boolean;
  /** Adds what the evaluator needs of a panel, e.g. predictions. */
  readonly complete?: (panel: Panel, data: Dataset, split: Split) => Panel;
  /** False for a method that may change with the order of the cells, such as a bootstrap. */
  readonly isOrderFree?: boolean;
}

const BOUNDED = ['accuracy', 'balanced_accuracy', 'f1_weighted', 'f1_macro', 'auroc_macro', 'auprc_macro', 'precision_at_k', 'recall_at_k'];

/** The promises that every evaluator keeps; call it at the top of its test file. */
export function testEvaluator(step: StepDefinition, given: EvaluatorCase): void {
  const { params = {}, metric, lowerIsBetter = false, complete = (panel) => panel, isOrderFree = true } = given;
  const data = tinyAtlas();
  const split = tinySplit(data);
  const shape = step.params.shape as Record<string, unknown>;
  const supplied = { k: 8, ...('tasks' in shape ? { tasks: [{ column: 'type' }] } : {}) };
  const parse = (extra: object = {}): any => step.params.parse({ ...supplied, ...params, ...extra });
  const panelOf = (genes: readonly number[]): Panel => ({
    genes: Uint32Array.from(genes),
    names: genes.map((j) => data.var.index[j]),
    scores: new Float64Array(genes.length),
    task: null,
  });
  const good = panelOf([...MARKERS].slice(0, 8));
  const poor = panelOf([20, 21, 22, 23, 24, 25, 26, 27]);
  const run = async (panel: Panel, on = { data, split }): Promise<Metrics> => {
    const inputs = { ...on, panel: complete(panel, on.data, on.split) };
    return (await step.run(testContext({ seed: 1 }), inputs, parse())).outputs.metrics as Metrics;
  };

  describe(`evaluator/${step.id} keeps the promises of an evaluator`, () => {
    it('gives finite values, and shares within [0, 1]', async () => {
      for (const [name, value] of Object.entries((await run(good)).values)) {
        expect(Number.isFinite(value), name).toBe(true);
        if (BOUNDED.includes(name)) expect(value >= 0 && value <= 1, `${name} = ${value}`).toBe(true);
      }
    });

    it('values true markers above genes of noise', async () => {
      const [a, b] = [(await run(good)).values[metric], (await run(poor)).values[metric]];
      if (lowerIsBetter) expect(a).toBeLessThan(b);
      else expect(a).toBeGreaterThan(b);
    });

    it('gives the same values for the same seed', async () => {
      expect(await run(good)).toEqual(await run(good));
    });

    if (isOrderFree) {
      it('does not depend on the order of the cells', async () => {
        const order = Random.of(5, 'order').permutation(data.X.rows);
        const place = new Map(Array.from(order, (old, now) => [old, now]));
        const move = (rows: Uint32Array): Uint32Array => rows.map((row) => place.get(row)!).sort();
        const moved = { train: move(split.train), validation: move(split.validation), test: move(split.test) };
        const values = (await run(good, { data: takeCells(data, order), split: moved })).values;
        for (const [name, value] of Object.entries((await run(good)).values)) expect(values[name], name).toBeCloseTo(value, 8);
      });
    }

    it('refuses a panel with fewer than k genes', async () => {
      await expect(run(panelOf([0, 1, 2]))).rejects.toMatchObject({ code: 'DATA' });
    });

    it('refuses params that it does not know', () => {
      expect(() => parse({ no_such_param: 1 })).toThrow();
    });
  });
}
