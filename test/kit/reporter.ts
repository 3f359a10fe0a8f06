import { describe, expect, test } from 'vitest';
import type { Gathered, StepContext, StepDefinition } from '../../core/plugin.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Metrics, Panel, ReporterInputs, ReportFile } from '../../plugins/contract.ts';
import { testContext } from './tiny-atlas.ts';

/** What a made-up run is made of. */
export interface MadeUpRun {
  readonly selectors?: readonly string[];
  readonly ks?: readonly number[];
  readonly seeds?: readonly number[];
  readonly tasks?: readonly string[];
  readonly evaluators?: readonly string[];
  readonly classes?: readonly string[];
  readonly cells?: number;
  readonly genes?: number;
  /** Metrics of one cell, in place of accuracy and balanced accuracy. */
  readonly values?: (cell: Readonly<Record<string, string | number>>, draw: () => number) => Record<string, number>;
}

/** A stream of numbers in (0, 1), the same each time. */
function stream(seed: number): () => number {
  let state = Math.imul(seed + 1, 2654435761) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 4294967296;
  };
}

function madeUpData({ cells = 120, genes = 80, classes = ['B', 'NK', 'T'], tasks = ['cell_type'] }: MadeUpRun): Dataset {
  const draw = stream(7);
  const codes = Int32Array.from({ length: cells }, (_, i) => i % classes.length);
  const data = new Float32Array(cells * genes);
  for (let i = 0; i < cells; i++)
    for (let j = 0; j < genes; j++) {
      const isMarker = j % (classes.length * 2) === codes[i];
      data[i * genes + j] = draw() < (isMarker ? 0.85 : 0.2) ? draw() * (isMarker ? 4 : 1.5) : 0;
    }
  return {
    X: { kind: 'dense', rows: cells, cols: genes, data },
    scale: 'log',
    layers: {},
    obs: {
      index: Array.from({ length: cells }, (_, i) => `cell${i}`),
      columns: Object.fromEntries(tasks.map((task) => [task, { kind: 'category', codes, categories: classes }])),
    },
    var: { index: Array.from({ length: genes }, (_, j) => `Gene${j}`), columns: {} },
    obsm: {},
    uns: {},
  };
}

function madeUpPanel(data: Dataset, seed: number): Panel {
  const draw = stream(seed);
  const total = data.var.index.length;
  const scores = Float64Array.from({ length: total }, (_, j) => (total - j) / total + draw() * 0.4);
  const genes = Uint32Array.from({ length: total }, (_, j) => j).sort((a, b) => scores[b] - scores[a]);
  return { genes, names: Array.from(genes, (j) => data.var.index[j]), scores: Float64Array.from(genes, (j) => scores[j]), task: null };
}

/** A small gathered run, the same each time: later selectors, larger panels do better. */
export function madeUpRun(run: MadeUpRun = {}): ReporterInputs {
  const { selectors = ['random', 'wilcoxon'], ks = [8, 16], seeds = [0, 1, 2], tasks = ['cell_type'] } = run;
  const { evaluators = ['forest'], classes = ['B', 'NK', 'T'] } = run;
  const data = madeUpData(run);
  const metrics: Gathered<Metrics>[] = [];
  const panels: Gathered<Panel>[] = [];
  for (const seed of seeds)
    for (const [at, selector] of selectors.entries())
      for (const k of ks)
        for (const task of tasks) {
          panels.push({ value: madeUpPanel(data, seed + 100 * at), cell: { selector, k, seed, task } });
          for (const evaluator of evaluators) {
            const cell = { selector, k, seed, task, evaluator };
            const draw = stream(seed + 31 * at + k);
            const accuracy = 0.6 + 0.3 * ((at + 1) / selectors.length) + 0.02 * Math.log2(k) + 0.04 * draw() - 0.12;
            const values = run.values?.(cell, draw) ?? { accuracy, balanced_accuracy: accuracy - 0.05 * draw() };
            const n = classes.length;
            const counts = Uint32Array.from({ length: n * n }, (_, c) => (Math.floor(c / n) === c % n ? 20 : Math.floor(3 * draw())));
            metrics.push({ value: { values, confusion: { classes, counts } }, cell });
          }
        }
  return { metrics, panels, data };
}

/** Runs a reporter and gives its files by name. */
export async function report(
  definition: StepDefinition<any>,
  inputs: ReporterInputs,
  params: Record<string, unknown> = {},
  missing: StepContext['missing'] = {},
): Promise<Map<string, Uint8Array>> {
  const { outputs } = await definition.run(testContext({ missing }), { ...inputs }, definition.params.parse(params));
  return new Map((outputs.files as ReportFile[]).map((file) => [file.name, file.bytes]));
}

/** What every reporter promises. */
export function testReporter(definition: StepDefinition<any>, { files }: { readonly files: readonly string[] }): void {
  describe(`reporter/${definition.id} keeps the contract`, () => {
    test('is a reporter that takes metrics, panels and data, and gives files', () => {
      expect(definition.kind).toBe('reporter');
      expect(definition.outputs).toEqual({ files: 'files' });
      expect(Object.keys(definition.inputs).sort()).toEqual(['data', 'embedding', 'metrics', 'panels']);
      expect(definition.summary.length).toBeGreaterThan(10);
    });

    test('makes these files, none of them empty', async () => {
      const made = await report(definition, madeUpRun());
      expect([...made.keys()].sort()).toEqual([...files].sort());
      for (const bytes of made.values()) expect(bytes.length).toBeGreaterThan(0);
    });

    test('makes the same bytes from the same inputs', async () => {
      const [one, two] = [await report(definition, madeUpRun()), await report(definition, madeUpRun())];
      for (const [name, bytes] of one) expect(Buffer.from(bytes).equals(Buffer.from(two.get(name)!)), name).toBe(true);
    });

    test('works when some cells, or all of them, are missing', async () => {
      const { metrics, panels, data } = madeUpRun();
      const some = await report(definition, { metrics: metrics.filter((_, i) => i % 3 > 0), panels: panels.slice(2), data });
      expect(some.size).toBe(files.length);
      expect((await report(definition, { metrics: [], panels: [], data })).size).toBe(files.length);
    });

    test('refuses params that it does not know', () => {
      expect(definition.params.safeParse({ no_such_param: 1 }).success).toBe(false);
    });

    test('stops when the run is cancelled', async () => {
      const inputs = { ...madeUpRun() };
      await expect(definition.run(testContext({ signal: AbortSignal.abort() }), inputs, definition.params.parse({}))).rejects.toThrow();
    });
  });
}
