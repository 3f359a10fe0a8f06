import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../data/dataset.ts';
import type { Panel, Split, StepDefinition } from '../../plugins/contract.ts';
import { testContext, tinyAtlas, tinySplit } from './tiny-atlas.ts';

/** What `testSelector` needs to know beside the definition. */
export interface SelectorCase {
  /** Params to test with; `k` and `tasks` are added when the schema declares them. */
  readonly params?: Readonly<Record<string, unknown>>;
  readonly data?: Dataset;
  readonly split?: Split;
}

/** The promises that every selector keeps; call it at the top of its test file. */
export function testSelector(step: StepDefinition, { params = {}, data = tinyAtlas(), split = tinySplit(data) }: SelectorCase = {}): void {
  const shape = step.params.shape as Record<string, unknown>;
  const k = 8;
  const supplied = {
    ...('k' in shape ? { k } : {}),
    ...('tasks' in shape ? { tasks: [{ column: 'type' }] } : {}),
  };
  const parse = (extra: object = {}): any => step.params.parse({ ...supplied, ...params, ...extra });
  const run = async (options: { seed?: number; signal?: AbortSignal; data?: Dataset } = {}): Promise<Panel> => {
    const result = await step.run(testContext(options), { data: options.data ?? data, split }, parse());
    return result.outputs.panel as Panel;
  };

  describe(`selector/${step.id} keeps the promises of a selector`, () => {
    it('ranks genes that exist, without repeats, with their names and a score each', async () => {
      const panel = await run();
      const genes = [...panel.genes];
      expect(genes.length).toBe('k' in shape ? k : data.X.cols);
      expect(new Set(genes).size).toBe(genes.length);
      expect(genes.every((j) => j < data.X.cols)).toBe(true);
      expect(panel.names).toEqual(genes.map((j) => data.var.index[j]));
      expect(panel.scores.length).toBe(genes.length);
    });

    it('gives the same panel for the same seed', async () => {
      expect(await run({ seed: 3 })).toEqual(await run({ seed: 3 }));
    });

    it('does not look at the test cells', async () => {
      const hidden = maskRows(data, split.test);
      expect((await run({ seed: 1, data: hidden })).genes).toEqual((await run({ seed: 1 })).genes);
    });

    it('leaves its input as it was', async () => {
      const before = structuredClone(data);
      await run();
      expect(data).toEqual(before);
    });

    it('refuses params that it does not know', () => {
      expect(() => parse({ no_such_param: 1 })).toThrow();
    });

    if (step.id !== 'random') {
      it('refuses NaN with a DataError', async () => {
        await expect(run({ data: withNaN(data) })).rejects.toMatchObject({ code: 'DATA' });
      });
    }

    if (step.traits?.includes('predictions')) {
      it('stops when cancelled', async () => {
        const controller = new AbortController();
        setTimeout(() => controller.abort(new Error('cancelled')), 20);
        const long = { ...parse(), epochs: 100_000 };
        await expect(step.run(testContext({ signal: controller.signal }), { data, split }, long)).rejects.toThrow('cancelled');
      });

      it('predicts the labelled test cells with probabilities that sum to one', async () => {
        const [{ rows, classes, probabilities, task }] = (await run()).predictions!;
        expect(task).toBe('type');
        expect([...rows].every((row) => split.test.includes(row))).toBe(true);
        for (let i = 0; i < rows.length; i++) {
          const own = probabilities.subarray(i * classes.length, (i + 1) * classes.length);
          expect(own.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
        }
      });
    }
  });
}

/** The dataset with other values in some rows. */
function maskRows(data: Dataset, rows: Uint32Array): Dataset {
  const hide = new Set(rows);
  const change = <M extends Dataset['X']>(m: M): M => {
    const values = m.data.slice();
    for (let i = 0; i < m.rows; i++) {
      if (!hide.has(i)) continue;
      if (m.kind === 'csr') values.fill(5, m.indptr[i], m.indptr[i + 1]);
      else values.fill(5, i * m.cols, (i + 1) * m.cols);
    }
    return { ...m, data: values };
  };
  return { ...data, X: change(data.X), layers: Object.fromEntries(Object.entries(data.layers).map(([name, m]) => [name, change(m)])) };
}

function withNaN(data: Dataset): Dataset {
  const spoil = <M extends Dataset['X']>(m: M): M => {
    const values = m.data.slice();
    values[values.length >> 1] = Number.NaN;
    return { ...m, data: values };
  };
  return { ...data, X: spoil(data.X), layers: Object.fromEntries(Object.entries(data.layers).map(([name, m]) => [name, spoil(m)])) };
}
