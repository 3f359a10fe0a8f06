import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../data/dataset.ts';
import type { Split, StepDefinition } from '../../plugins/contract.ts';
import { testContext, tinyAtlas } from './tiny-atlas.ts';

/** What `testSplitter` needs to know beside the definition. */
export interface SplitterCase {
  /** Params to test with; `tasks` are added when the schema declares them. */
  readonly params?: Readonly<Record<string, unknown>>;
  readonly data?: Dataset;
}

/** The promises that every splitter keeps; call it at the top of its test file. */
export function testSplitter(step: StepDefinition, { params = {}, data = tinyAtlas() }: SplitterCase = {}): void {
  const supplied = 'tasks' in step.params.shape ? { tasks: [{ column: 'type' }] } : {};
  const parse = (extra: object = {}): any => step.params.parse({ ...supplied, ...params, ...extra });
  const run = async (seed = 0): Promise<Split> => (await step.run(testContext({ seed }), { data }, parse())).outputs.split as Split;

  describe(`splitter/${step.id} keeps the promises of a splitter`, () => {
    it('gives parts that are disjoint, in rising order and inside the dataset', async () => {
      const { train, validation, test } = await run();
      const all = [...train, ...validation, ...test];
      expect(new Set(all).size).toBe(all.length);
      expect(all.every((i) => i < data.X.rows)).toBe(true);
      for (const part of [train, validation, test]) expect([...part]).toEqual([...part].sort((a, b) => a - b));
      expect(train.length).toBeGreaterThan(0);
      expect(test.length).toBeGreaterThan(0);
    });

    it('gives the same parts for the same seed', async () => {
      expect(await run(3)).toEqual(await run(3));
    });

    it('leaves its input as it was', async () => {
      const before = structuredClone(data);
      await run();
      expect(data).toEqual(before);
    });

    it('refuses params that it does not know', () => {
      expect(() => parse({ no_such_param: 1 })).toThrow();
    });
  });
}
