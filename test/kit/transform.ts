import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../data/dataset.ts';
import type { StepDefinition } from '../../plugins/contract.ts';
import { testContext, tinyAtlas } from './tiny-atlas.ts';

/** What `testTransform` needs to know beside the definition. */
export interface TransformCase {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly data?: Dataset;
}

/** The promises that every transform keeps; call it at the top of its test file. */
export function testTransform(step: StepDefinition, { params = {}, data = tinyAtlas() }: TransformCase = {}): void {
  const parse = (extra: object = {}): any => step.params.parse({ ...params, ...extra });
  const run = async (signal?: AbortSignal): Promise<Dataset> =>
    (await step.run(testContext({ signal }), { data }, parse())).outputs.data as Dataset;

  describe(`transform/${step.id} keeps the promises of a transform`, () => {
    it('gives a dataset whose parts fit each other, with finite values', async () => {
      const made = await run();
      expect([made.X.rows, made.X.cols]).toEqual([made.obs.index.length, made.var.index.length]);
      for (const m of Object.values(made.layers)) expect([m.rows, m.cols]).toEqual([made.X.rows, made.X.cols]);
      for (const c of Object.values(made.obs.columns)) expect(c.kind === 'category' ? c.codes.length : c.values.length).toBe(made.X.rows);
      expect(made.X.data.every((x) => Number.isFinite(x))).toBe(true);
    });

    it('leaves its input as it was', async () => {
      const before = structuredClone(data);
      await run();
      expect(data).toEqual(before);
    });

    it('gives the same result twice', async () => {
      expect(await run()).toEqual(await run());
    });

    it('stops when cancelled', async () => {
      await expect(run(AbortSignal.abort(new Error('cancelled')))).rejects.toThrow('cancelled');
    });

    it('refuses params that it does not know', () => {
      expect(() => parse({ no_such_param: 1 })).toThrow();
    });
  });
}
