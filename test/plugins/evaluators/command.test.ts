import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { column, type Dataset, labels } from '../../../data/dataset.ts';
import { readDataset } from '../../../data/open.ts';
import type { Metrics, Panel } from '../../../plugins/contract.ts';
import command from '../../../plugins/evaluators/command.ts';
import { testEvaluator } from '../../kit/evaluator.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

const argv = [process.execPath, resolve('test/fixtures/command/program.mjs')];
testEvaluator(command, { params: { argv }, metric: 'accuracy' });
testEvaluator(command, { params: { argv, gives: 'metrics' }, metric: 'share_right' });

const own = mkdtempSync(join(tmpdir(), 'panelflow-test-'));
afterAll(() => rmSync(own, { recursive: true }));
const data = tinyAtlas();
const split = tinySplit(data);
const { codes, classes } = labels(data.obs, 'type');
/** Genes 5, 2 and 30, in that order; the third is not judged at k = 2. */
const panel: Panel = { genes: Uint32Array.of(5, 2, 30), names: ['gene5', 'gene2', 'gene30'], scores: new Float64Array(3), task: null };

async function judge(given: object): Promise<Metrics> {
  const params = command.params.parse({ k: 2, tasks: [{ column: 'type' }], argv, ...given });
  return (await command.run(testContext({ seed: 5 }), { data, split, panel }, params)).outputs.metrics as Metrics;
}
/** A program that keeps what it was given, and answers with that text. */
const answer = (text: string, given: object = {}): Promise<Metrics> =>
  judge({
    argv: [
      'bash',
      '-c',
      `d=$(mktemp -d -p '${own}'); cp data.h5ad request.json $d; echo $d > '${own}/last'; printf '%s' "$TEXT" > "$FILE"`,
    ],
    env: { TEXT: text, FILE: 'predictions.csv' },
    ...given,
  });
const last = (name: string): string => join(readFileSync(join(own, 'last'), 'utf8').trim(), name);
const file = async (): Promise<Dataset> => (await readDataset(last('data.h5ad'))).data;
const table = (says: (i: number) => string | number, header = 'cell,prediction'): string =>
  [header, ...Array.from(split.test, (i) => `${data.obs.index[i]},${says(i)}`)].join('\n');
/** What is right; unlabelled cells get a class too. */
const right = (i: number): string => classes[Math.max(0, codes[i])];

describe('evaluator/command', () => {
  it('hands over the first k genes, and all cells of the split without the labels of the test cells', async () => {
    await answer(table(right));
    const given = await file();
    const rows = [...split.train, ...split.validation, ...split.test].toSorted((a, b) => a - b);
    expect(given.obs.index).toEqual(rows.map((i) => data.obs.index[i]));
    expect(given.var.index).toEqual(['gene2', 'gene5']);
    expect(Object.keys(given.obs.columns).toSorted()).toEqual(['split', 'type']);
    const parts = labels(given.obs, 'split');
    const inTest = new Set(split.test);
    expect(Array.from(parts.codes, (c) => parts.classes[c])).toEqual(rows.map((i) => (inTest.has(i) ? 'test' : 'learn')));
    const type = column(given.obs, 'type');
    if (type.kind !== 'category') throw new Error('classes are categories');
    expect([...type.codes]).toEqual(rows.map((i) => (inTest.has(i) ? -1 : codes[i])));
    expect(JSON.parse(readFileSync(last('request.json'), 'utf8'))).toEqual({
      protocol: 1,
      kind: 'evaluator',
      k: 2,
      panel: ['gene5', 'gene2'],
      tasks: [{ column: 'type', kind: 'classification', classes }],
      seed: 5,
      threads: 1,
      scale: 'log',
      files: { data: 'data.h5ad', answer: 'predictions.csv' },
    });
  });

  it('shows the labels of the test cells to a program that gives metrics', async () => {
    const metrics = await answer('{"depth": 3, "my.score-2": -0.5}', {
      gives: 'metrics',
      env: { TEXT: '{"depth": 3, "my.score-2": -0.5}', FILE: 'metrics.json' },
    });
    expect(metrics).toEqual({ values: { depth: 3, 'my.score-2': -0.5 } });
    const type = column((await file()).obs, 'type');
    expect(type.kind === 'category' && type.codes.filter((c) => c < 0).length).toBe(codes.filter((c) => c < 0).length);
  });

  it('judges predictions as those of the built-in classifiers, on the labelled test cells', async () => {
    const labelled = split.test.filter((i) => codes[i] >= 0);
    const all = await answer(table(right));
    expect(all.values).toEqual({ accuracy: 1, balanced_accuracy: 1, f1_weighted: 1, f1_macro: 1 });
    expect(all.confusion!.counts.reduce((a, b) => a + b, 0)).toBe(labelled.length);
    const alpha = await answer(table(() => 'alpha'));
    expect(alpha.values.accuracy).toBeCloseTo(labelled.filter((i) => codes[i] === 0).length / labelled.length, 12);
    expect(alpha.confusion!.classes).toEqual(classes);
  });

  it('takes probabilities, and then gives the areas; the class called need not be the most probable', async () => {
    const header = 'cell,prediction,p_alpha,p_beta,p_gamma';
    const { values } = await answer(table((i) => `alpha,${[0, 1, 2].map((c) => (c === codes[i] ? 0.9 : 0.05)).join(',')}`, header));
    expect(values).toMatchObject({ auroc_macro: 1, auprc_macro: 1 });
    expect(values.accuracy).toBeLessThan(0.5);
  });

  it('judges numbers as a regression', async () => {
    const ages = column(data.obs, 'age');
    if (ages.kind !== 'number') throw new Error('ages are numbers');
    const tasks = [{ column: 'age', kind: 'regression' }];
    expect(
      (
        await answer(
          table((i) => ages.values[i]),
          { tasks },
        )
      ).values,
    ).toMatchObject({ r2: 1, mse: 0 });
    const hidden = column((await file()).obs, 'age');
    expect(hidden.kind === 'number' && hidden.values.filter(Number.isNaN).length).toBe(split.test.length);
    await expect(
      answer(
        table(() => 'old'),
        { tasks },
      ),
    ).rejects.toMatchObject({ code: 'DATA', context: { line: 2 } });
    expect((await judge({ tasks })).values.spearman).toBeGreaterThan(0);
  });

  const cell = data.obs.index[split.test[0]];
  it.each([
    ['a class that there is not', table(() => 'alhpa'), { line: 2, cell }, 'Did you mean "alpha"?'],
    ['a cell that there is not', `cell,prediction\nX${cell},alpha`, { line: 2, cell: `X${cell}` }, `Did you mean "${cell}"?`],
    ['a learning cell', `cell,prediction\n${data.obs.index[split.train[0]]},alpha`, { line: 2 }, 'split is test'],
    ['a cell twice', `${table(right)}\n${cell},alpha`, { line: split.test.length + 2, first: 2 }, 'one row'],
    ['a cell left out', 'cell,prediction\n', { cell }, 'split is test'],
    ['no column of predictions', 'cell\n', { line: 1 }, 'cell,prediction'],
    ['probabilities of some classes', table(() => 'alpha,1', 'cell,prediction,p_alpha'), { line: 1 }, 'p_beta'],
    ['a probability that is none', table(() => 'alpha,1,x,0', 'cell,prediction,p_alpha,p_beta,p_gamma'), { line: 2, cell }, 'number'],
  ])('refuses %s with one clear error', async (_, text, context, mend) => {
    const error = { code: 'DATA', context: expect.objectContaining(context), mend: expect.stringContaining(mend) };
    await expect(answer(text)).rejects.toMatchObject(error);
  });

  it.each(['{"a": NaN}', '[]', '{}', '{"a": "1"}', '{"a": null}', '{"a": 1e999}', '{"a b": 1}', '{"<i>": 1}', '3', ''])(
    'refuses %s as metrics',
    async (text) => {
      await expect(answer('', { gives: 'metrics', env: { TEXT: text, FILE: 'metrics.json' } })).rejects.toMatchObject({ code: 'DATA' });
    },
  );
});
