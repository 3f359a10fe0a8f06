import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../data/dataset.ts';
import type { StepDefinition } from '../../plugins/contract.ts';
import { testContext } from './tiny-atlas.ts';

/** The promises that every reader keeps; `params` must lead to a dataset. Call it at the top of its test file. */
export function testReader(step: StepDefinition, { params = {} }: { params?: Readonly<Record<string, unknown>> } = {}): void {
  const parse = (extra: object = {}): any => step.params.parse({ ...params, ...extra });
  const read = async (): Promise<Dataset> => (await step.run(testContext(), {}, parse())).outputs.data as Dataset;

  describe(`reader/${step.id} keeps the promises of a reader`, () => {
    it('gives a dataset whose parts fit each other, with finite values', async () => {
      const data = await read();
      expect(data.X.rows).toBe(data.obs.index.length);
      expect(data.X.cols).toBe(data.var.index.length);
      for (const m of Object.values(data.layers)) expect([m.rows, m.cols]).toEqual([data.X.rows, data.X.cols]);
      for (const m of Object.values(data.obsm)) expect(m.rows).toBe(data.X.rows);
      for (const c of Object.values(data.obs.columns)) expect(c.kind === 'category' ? c.codes.length : c.values.length).toBe(data.X.rows);
      expect(data.X.data.every((x) => Number.isFinite(x))).toBe(true);
      expect(new Set(data.var.index).size).toBe(data.X.cols);
    });

    it('keeps sparse rows in rising order', async () => {
      const { X } = await read();
      if (X.kind === 'dense') return;
      expect(X.indptr[X.rows]).toBe(X.data.length);
      for (let i = 0; i < X.rows; i++)
        for (let p = X.indptr[i] + 1; p < X.indptr[i + 1]; p++)
          if (X.indices[p] <= X.indices[p - 1]) throw new Error(`row ${i} is out of order`);
    });

    it('gives the same dataset twice', async () => {
      expect(await read()).toEqual(await read());
    });

    it('says how many cells and genes it read', async () => {
      const { outputs, facts } = await step.run(testContext(), {}, parse());
      const data = outputs.data as Dataset;
      expect(facts).toMatchObject({ cells: data.X.rows, genes: data.X.cols, scale: data.scale });
    });

    it('refuses params that it does not know', () => {
      expect(() => parse({ no_such_param: 1 })).toThrow();
    });
  });
}
