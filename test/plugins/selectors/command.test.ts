import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { column, type Dataset, labels } from '../../../data/dataset.ts';
import { readDataset } from '../../../data/open.ts';
import type { Panel } from '../../../plugins/contract.ts';
import command from '../../../plugins/selectors/command.ts';
import { testSelector } from '../../kit/selector.ts';
import { MARKERS, testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

const argv = [process.execPath, resolve('test/fixtures/command/program.mjs')];
testSelector(command, { params: { argv } });

const own = mkdtempSync(join(tmpdir(), 'panelflow-test-'));
afterAll(() => rmSync(own, { recursive: true }));
const data = tinyAtlas();
const split = tinySplit(data);

async function select(given: object, on: Dataset = data, context = testContext({ seed: 5 })): Promise<Panel> {
  const params = command.params.parse({ k: 8, tasks: [{ column: 'type' }], argv, ...given });
  return (await command.run(context, { data: on, split }, params)).outputs.panel as Panel;
}
/** A program that keeps what it was given, and answers with that text. */
const answering = (text: string): object => ({
  argv: ['bash', '-c', `cp data.h5ad request.json '${own}'; printf '%s' "$TEXT" > panel.csv`],
  env: { TEXT: text },
});
const answer = (text: string, given: object = {}): Promise<Panel> => select({ k: 2, ...answering(text), ...given });
const request = (): unknown => JSON.parse(readFileSync(join(own, 'request.json'), 'utf8'));
const file = async (): Promise<Dataset> => {
  // The reader keeps files that it knows: each gets a name of its own.
  const path = join(mkdtempSync(join(own, 'read-')), 'data.h5ad');
  copyFileSync(join(own, 'data.h5ad'), path);
  return (await readDataset(path)).data;
};

describe('selector/command', () => {
  it('takes the genes of a program, best first, with their scores', async () => {
    const panel = await select({});
    expect([...panel.genes].every((j) => MARKERS.includes(j))).toBe(true);
    expect([...panel.scores]).toEqual([...panel.scores].toSorted((a, b) => b - a));
    expect(panel.task).toBe('type');
    expect((await select({ tasks: [{ column: 'age', kind: 'regression' }] })).task).toBe('age');
  });

  it('hands over the learning cells alone, and of them what it says', async () => {
    await answer('gene\ngene1\ngene2\n', { obs_columns: ['state'] });
    const given = await file();
    const rows = [...split.train, ...split.validation].toSorted((a, b) => a - b);
    expect(given.obs.index).toEqual(rows.map((i) => data.obs.index[i]));
    expect(Object.keys(given.obs.columns).toSorted()).toEqual(['split', 'state', 'type']);
    expect([Object.keys(given.layers), given.obsm, given.uns]).toEqual([['counts'], {}, {}]);
    const parts = labels(given.obs, 'split');
    const inTrain = new Set(split.train);
    expect(Array.from(parts.codes, (c) => parts.classes[c])).toEqual(rows.map((i) => (inTrain.has(i) ? 'train' : 'validation')));
    const type = column(given.obs, 'type');
    const before = column(data.obs, 'type');
    if (type.kind !== 'category' || before.kind !== 'category') throw new Error('classes are categories');
    expect(type.categories).toEqual(['alpha', 'beta', 'gamma']);
    expect([...type.codes]).toEqual(rows.map((i) => before.codes[i]));
    expect([...type.codes]).toContain(-1);
    expect(given.X.data.length).toBeGreaterThan(0);
    expect(request()).toEqual({
      protocol: 1,
      kind: 'selector',
      k: 2,
      tasks: [{ column: 'type', kind: 'classification', classes: ['alpha', 'beta', 'gamma'] }],
      seed: 5,
      threads: 1,
      scale: 'log',
      files: { data: 'data.h5ad', answer: 'panel.csv' },
    });
  });

  it('names only classes that the learning cells have', async () => {
    const inTest = new Set(split.test);
    const codes = Int32Array.from(data.obs.index, (_, i) => (inTest.has(i) ? 2 : i % 2));
    const on = { ...data, obs: { ...data.obs, columns: { type: { kind: 'category' as const, codes, categories: ['a', 'b', 'hidden'] } } } };
    await select({ k: 2, ...answering('gene\ngene1\ngene2\n') }, on);
    expect(request()).toMatchObject({ tasks: [{ classes: ['a', 'b'] }] });
    expect((await file()).obs.columns.type).toMatchObject({ categories: ['a', 'b'] });
  });

  it('with every_k asks once for all genes, whatever k', async () => {
    expect(command.params.parse({ argv, k: 8, tasks: [], every_k: true })).toEqual(
      command.params.parse({ argv, k: 9, tasks: [], every_k: true }),
    );
    const panel = await select({ every_k: true });
    expect(new Set(panel.genes).size).toBe(data.X.cols);
    await answer(`gene\n${data.var.index.join('\n')}`, { every_k: true });
    expect(request()).toMatchObject({ k: null });
    await expect(answer('gene\ngene1\ngene2\n', { every_k: true })).rejects.toMatchObject({
      code: 'DATA',
      context: { genes: 2, k: 'every' },
    });
  });

  it('reads what R and Python write: quotes, further columns, Windows line ends, scores that are missing', async () => {
    const panel = await answer('"","gene","score"\r\n"1","gene3",NA\r\n"2","gene1",-Inf\r\n"3","gene2",1e-3\r\n');
    expect(panel.names).toEqual(['gene3', 'gene1']);
    expect([...panel.scores]).toEqual([Number.NaN, -Infinity]);
    expect([...(await answer('gene\ngene1\ngene2')).scores]).toEqual([Number.NaN, Number.NaN]);
  });

  it.each([
    ['an unknown gene', 'gene\ngene1\ngeen2\n', { line: 3, gene: 'geen2' }, 'Did you mean "gene2"?'],
    ['a gene that stands there twice', 'gene,score\ngene1,2\n\ngene1,1\n', { line: 4, gene: 'gene1', first: 2 }, 'once'],
    ['a score that is no number', 'gene,score\ngene1,2\ngene2,high\n', { line: 3, gene: 'gene2' }, 'Write a number'],
    ['too few genes', 'gene\ngene1\n', { genes: 1, k: 2 }, 'at least k'],
    ['no gene', 'gene\n', { genes: 0 }, 'at least k'],
    ['no column of genes', 'name;score\ngene1;2\n', { line: 1 }, 'There is: name;score.'],
    ['a ragged row', 'gene,score\ngene1,2,3\n', { line: 2, fields: 3 }, 'quotes'],
    ['an empty file', '', { line: 1 }, 'There is: nothing.'],
  ])('refuses %s with one clear error', async (_, text, context, mend) => {
    const error = { code: 'DATA', context: expect.objectContaining(context), mend: expect.stringContaining(mend) };
    await expect(answer(text)).rejects.toMatchObject(error);
  });

  it('says what the program complained of, or that it wrote nothing', async () => {
    await expect(select({ argv: ['bash', '-c', 'echo no such package >&2; exit 3'] })).rejects.toThrow(/exit code 3: no such package/);
    await expect(select({ argv: ['true'] })).rejects.toMatchObject({ code: 'DATA', mend: 'There is: data.h5ad, request.json.' });
    await expect(select({ argv: ['no-such-program-here'] })).rejects.toMatchObject({ code: 'CONFIG' });
  });

  it('tells what the program prints, while it runs and when it has ended', async () => {
    const notes: [number, string][] = [];
    const log: string[] = [];
    const context = { ...testContext({ log: (line) => log.push(line) }), progress: (at: number, note = '') => void notes.push([at, note]) };
    await select(
      { k: 2, argv: ['bash', '-c', 'echo "tree 3, 40 % done"; sleep 1.2; echo ready; printf "gene\\ngene1\\ngene2\\n" > panel.csv'] },
      data,
      context,
    );
    expect(notes).toContainEqual([0.4, 'tree 3, 40 % done']);
    expect(log).toEqual(['bash: tree 3, 40 % done | ready']);
  });

  it('keeps the rules of panels: the program sees no gene that it may not choose', async () => {
    const panel = { exclude_prefix: ['gene3'], must_include: ['gene20'] };
    expect((await answer('gene\ngene1\n', { panel })).names).toEqual(['gene20', 'gene1']);
    expect(request()).toMatchObject({ k: 1 });
    expect((await file()).var.index.filter((name) => name === 'gene20' || name.startsWith('gene3'))).toEqual([]);
  });

  it('refuses a task whose column has the name of its own', async () => {
    const on = { ...data, obs: { ...data.obs, columns: { split: data.obs.columns.type } } };
    await expect(select({ tasks: [{ column: 'split' }] }, on)).rejects.toMatchObject({ code: 'DATA' });
  });

  it('counts scripts among its arguments by content, and no other argument', () => {
    const filesOf = (...args: (string | number)[]): readonly string[] => command.files!(command.params.parse({ argv: args, tasks: [] }));
    expect(filesOf('python3', 'py/select.py', '--model', './model.bin', 3)).toEqual(['py/select.py', './model.bin']);
    expect(filesOf('.venv/bin/python', '/home/me/fit.R')).toEqual(['.venv/bin/python', '/home/me/fit.R']);
    expect(filesOf('./select')).toEqual(['./select']);
    expect(filesOf('python3', 's3://bucket/select.py#sha256=ab')).toEqual(['s3://bucket/select.py#sha256=ab']);
    for (const word of [
      'python',
      '/usr/bin/python3',
      'data.h5ad',
      './data.h5ad',
      'request.json',
      'panel.csv',
      '-x.py',
      '--x=./a.py',
      'x=./a.py',
      'https://a.b/c.sh',
      's3://a/b',
      'cat a.txt | b.py',
      'a; ./b',
    ])
      expect(filesOf('env', word), word).toEqual([]);
  });
});
