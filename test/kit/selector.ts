import { describe, expect, it } from 'vitest';
import { type Dataset, takeCells } from '../../data/dataset.ts';
import { denseBlock, type Matrix } from '../../data/matrix.ts';
import type { Labels, Network, Panel, Split, StepDefinition } from '../../plugins/contract.ts';
import { testContext, tinyAtlas, tinySplit } from './tiny-atlas.ts';
import { testTraining } from './training.ts';

/** What `testSelector` needs to know beside the definition. */
export interface SelectorCase {
  /** Params to test with; `k` and `tasks` are added when the schema declares them. */
  readonly params?: Readonly<Record<string, unknown>>;
  readonly data?: Dataset;
  readonly split?: Split;
}

interface RunOptions {
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly memoryBytes?: number;
  readonly data?: Dataset;
  readonly split?: Split;
  readonly labels?: Labels;
  readonly given?: object;
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
  const run = async ({ given = {}, labels, ...options }: RunOptions = {}): Promise<Panel> => {
    const inputs = { data: options.data ?? data, split: options.split ?? split, ...(labels ? { labels } : {}) };
    return (await step.run(testContext(options), inputs, parse(given))).outputs.panel as Panel;
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

    it('ends within seconds when cancelled', async () => {
      const large = repeated(data, 20);
      const controller = new AbortController();
      setTimeout(() => controller.abort(new Error('cancelled')), 20);
      const start = performance.now();
      const given = 'epochs' in shape ? { epochs: 100_000 } : {};
      const ended = run({ data: large, split: tinySplit(large), signal: controller.signal, given });
      // A fast method may be done before the signal comes.
      await ended.then(
        (panel) => expect(panel.genes.length).toBeGreaterThan(0),
        (error: Error) => expect(error.message).toContain('cancelled'),
      );
      expect(performance.now() - start).toBeLessThan(5_000);
      await expect(run({ signal: AbortSignal.abort(new Error('cancelled')) })).rejects.toThrow('cancelled');
    });

    it('ranks all genes when k is all of them, constant ones too', async () => {
      const flat = withConstantGenes(data);
      const panel = await run({ data: flat, given: 'k' in shape ? { k: data.X.cols } : {} });
      expect(new Set(panel.genes).size).toBe(data.X.cols);
    });

    it('leaves out genes that are excluded, and puts those that must be there in front', async () => {
      const free = await run({ seed: 1 });
      const [first, second] = free.names;
      const must = ['gene39', 'gene38', 'gene37', 'gene36'].filter((name) => name !== first && name !== second).slice(0, 2);
      const panel = await run({ seed: 1, given: { panel: { exclude: [first, second], exclude_prefix: ['gene3'], must_include: must } } });
      expect(panel.names.slice(0, 2)).toEqual(must);
      expect(panel.names.slice(2).filter((name) => [first, second].includes(name) || name.startsWith('gene3'))).toEqual([]);
      expect(panel.names).toEqual(Array.from(panel.genes, (j) => data.var.index[j]));
      if ('k' in shape) expect(panel.genes.length).toBe(k);
    });

    if (step.memory) {
      it('says what memory it needs, and refuses when that is not there', async () => {
        await expect(run({ memoryBytes: 1000 })).rejects.toMatchObject({ code: 'RESOURCE', retryable: false });
      });
    }

    if ('tasks' in shape) {
      it('refuses labels of one class only, also when they stand in for others', async () => {
        const one: Labels = { type: { kind: 'category', codes: new Int32Array(data.X.rows), categories: ['alpha'] } };
        const columns = { ...data.obs.columns, ...one };
        await expect(run({ data: { ...data, obs: { ...data.obs, columns } } })).rejects.toMatchObject({ code: 'DATA' });
        await expect(run({ labels: one })).rejects.toMatchObject({ code: 'DATA' });
      });

      it('makes one panel for several tasks', async () => {
        const panel = await run({ given: { tasks: [{ column: 'type' }, { column: 'state' }] } });
        expect(panel.task).toBeNull();
        expect(new Set(panel.genes).size).toBe('k' in shape ? k : data.X.cols);
      });
    }

    if (step.queue === 'gpu') testTraining(step, { data, split }, parse());

    if (step.traits?.includes('model')) {
      it('gives a network that reads the panel alone', async () => {
        const { panel, model } = (await step.run(testContext({ seed: 1 }), { data, split }, parse())).outputs as {
          panel: Panel;
          model: Network;
        };
        expect([...model.genes].toSorted()).toEqual([...panel.names].toSorted());
        expect(model.preparation).toMatchObject({ scale: data.scale });
        const last = (layers: Network['layers']): number => layers.at(-1)!.outputs;
        for (const head of model.heads)
          expect(last(head.layers)).toBe(head.kind === 'classes' ? head.classes.length : head.kind === 'genes' ? head.genes.length : 1);
        if (step.traits!.includes('generative')) expect(model.heads.some((head) => head.kind === 'genes')).toBe(true);
      });
    }

    if (step.traits?.includes('predictions')) {
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

/** The dataset so many times over, with other names for the cells. */
function repeated(data: Dataset, times: number): Dataset {
  const rows = Uint32Array.from({ length: data.X.rows * times }, (_, i) => i % data.X.rows);
  const large = takeCells(data, rows);
  return { ...large, obs: { ...large.obs, index: large.obs.index.map((name, i) => `${name}-${Math.floor(i / data.X.rows)}`) } };
}

/** The dataset with a gene that is 0 and one that is 1 in every cell, in place of two others. */
function withConstantGenes(data: Dataset): Dataset {
  const { rows, cols } = data.X;
  const all = (n: number): Uint32Array => Uint32Array.from({ length: n }, (_, i) => i);
  const flat = (m: Matrix): Matrix => {
    const dense = denseBlock(m, all(rows), all(cols));
    for (let i = 0; i < rows; i++) {
      dense.data[i * cols + cols - 1] = 0;
      dense.data[i * cols + cols - 2] = 1;
    }
    return dense;
  };
  return { ...data, X: flat(data.X), layers: Object.fromEntries(Object.entries(data.layers).map(([name, m]) => [name, flat(m)])) };
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
