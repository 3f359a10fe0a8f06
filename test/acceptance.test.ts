import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDataset } from '../data/open.ts';
import { type Ended, Project } from './engine/_engine.ts';
import { hasShared, sharedPath, THOROUGH } from './kit/shared-data.ts';

const METRICS = ['accuracy', 'balanced_accuracy', 'f1_weighted', 'f1_macro', 'auroc_macro', 'auprc_macro'];
const RECONSTRUCTION = ['l2', 'l1', 'jaccard_top20_variance', 'spearman_variance', 'pcc'];
const FILES = ['metrics', 'panels', 'summary'].flatMap((name) => [`${name}.csv`, `${name}.parquet`]);

let project: Project;
beforeAll(() => {
  project = new Project();
});
afterAll(() => project?.close());

type Row = Record<string, string>;

function table(path: string): Row[] {
  const [header, ...rows] = project.lines(path).map((line) => line.split(','));
  return rows.map((row) => Object.fromEntries(row.map((value, i) => [header[i], value])));
}

/** Checks that every value of the grid is there once, and nothing else. */
function complete(
  name: string,
  grid: {
    selectors: string[];
    ks: number[];
    seeds: number[];
    tasks: string[];
    evaluators: Record<string, { metrics: string[]; selectors?: string[] }>;
  },
): void {
  const found = table(`results/${name}/metrics.csv`).map((r) => [r.selector, r.k, r.seed, r.task, r.evaluator, r.metric].join());
  const wanted: string[] = [];
  for (const selector of grid.selectors) {
    for (const [evaluator, { metrics, selectors }] of Object.entries(grid.evaluators)) {
      if (selectors && !selectors.includes(selector)) continue;
      for (const k of grid.ks)
        for (const seed of grid.seeds)
          for (const task of grid.tasks) for (const metric of metrics) wanted.push([selector, k, seed, task, evaluator, metric].join());
    }
  }
  expect(found.toSorted()).toEqual(wanted.toSorted());
  for (const r of table(`results/${name}/metrics.csv`))
    expect(Number.isFinite(Number(r.value)) && r.value !== '', JSON.stringify(r)).toBe(true);
  for (const file of [...FILES, 'report.html', 'execution.html', 'trace.tsv', 'run.json'])
    expect(project.has(`results/${name}/${file}`), file).toBe(true);
}

const mean = (name: string, selector: string, evaluator: string, k: number): number =>
  Number(
    table(`results/${name}/summary.csv`).find(
      (r) => r.selector === selector && r.evaluator === evaluator && r.k === String(k) && r.metric === 'accuracy',
    )!.mean,
  );

describe.skipIf(!hasShared)('the acceptance files', () => {
  let zeisel: Ended;
  const file = sharedPath('acceptance/zeisel.yaml');

  it('zeisel.yaml: every table is complete, and selectors are as good as published', async () => {
    zeisel = await project.run('run', file);
    expect(zeisel.code, zeisel.stderr).toBe(0);
    const evaluators = { forest: { metrics: METRICS }, knn: { metrics: METRICS }, builtin: { metrics: METRICS, selectors: ['yoto'] } };
    complete('zeisel', {
      selectors: ['random', 'hvg-seurat-v3', 'wilcoxon', 'yoto'],
      ks: [16, 50],
      seeds: [0, 1, 2],
      tasks: ['cell_class'],
      evaluators,
    });
    expect(mean('zeisel', 'yoto', 'forest', 50)).toBeGreaterThanOrEqual(0.94);
    expect(mean('zeisel', 'wilcoxon', 'forest', 50)).toBeGreaterThanOrEqual(0.94);
    const best = Math.min(mean('zeisel', 'yoto', 'forest', 50), mean('zeisel', 'wilcoxon', 'forest', 50));
    expect(mean('zeisel', 'random', 'forest', 50)).toBeLessThanOrEqual(best - 0.1);
    expect(Math.abs(mean('zeisel', 'yoto', 'builtin', 50) - mean('zeisel', 'yoto', 'forest', 50))).toBeLessThanOrEqual(0.02);
  });

  it('a second run computes nothing, takes seconds, and leaves the tables byte for byte', async () => {
    const before = [...FILES, 'report.html'].map((f) => project.read(`results/zeisel/${f}`));
    const again = await project.run('run', file);
    expect(again.stderr).toMatch(/✔ 0 computed, \d+ cached/);
    expect([...FILES, 'report.html'].map((f) => project.read(`results/zeisel/${f}`))).toEqual(before);
    expect(project.trace('zeisel').every((r) => r.status === 'CACHED')).toBe(true);
  });

  it('one more seed computes the cells of that seed only, and the plan says so first', async () => {
    const more = ['--set', 'seeds=[0,1,2,3]', '--set', 'selectors=[random,wilcoxon]', '--set', 'evaluators=[forest,knn]'];
    const forecast = JSON.parse((await project.run('plan', file, '--json', ...more)).stdout) as {
      tasks: { id: string; step: string; cell: Row }[];
      forecast: { task: string; cached: boolean }[];
    };
    const toRun = forecast.tasks.filter((t) => !forecast.forecast.find((f) => f.task === t.id)!.cached);
    for (const t of toRun) expect(['tables', 'report'].includes(t.step) || Number(t.cell.seed) === 3, JSON.stringify(t.cell)).toBe(true);
    const ended = await project.run('run', file, ...more, '--out', 'results/more');
    expect(ended.code).toBe(0);
    for (const r of project.trace('more'))
      if (r.status === 'COMPLETED') expect(['tables', 'report'].includes(r.step) || r.cell.includes('seed=3'), r.name).toBe(true);
    expect(project.trace('more').filter((r) => r.status === 'COMPLETED')).toHaveLength(toRun.length);
  });

  it('kang-multitask.yaml: one panel for three tasks', async () => {
    // One of its three seeds says the same in a third of the time.
    const seeds = THOROUGH ? [0, 1, 2] : [0];
    const ended = await project.run('run', sharedPath('acceptance/kang-multitask.yaml'), '--set', `seeds=[${seeds.join()}]`);
    expect(ended.code, ended.stderr).toBe(0);
    const tasks = ['cluster_id', 'group_id', 'patient'];
    complete('kang', {
      selectors: ['random', 'mrmr-f', 'hvg-seurat-v3', 'yoto'],
      ks: [16, 32, 64],
      seeds,
      tasks,
      evaluators: { forest: { metrics: METRICS }, builtin: { metrics: METRICS, selectors: ['yoto'] } },
    });
    const panels = table('results/kang/panels.csv');
    expect(new Set(panels.filter((r) => r.selector === 'yoto').map((r) => r.task))).toEqual(new Set(['']));
    expect(new Set(panels.filter((r) => r.selector === 'mrmr-f').map((r) => r.task))).toEqual(new Set(tasks));
    expect(panels.filter((r) => r.selector === 'yoto' && r.k === '32' && r.seed === '0')).toHaveLength(32);
  });

  it('pbmc3k.yaml: every default left alone', async () => {
    const ended = await project.run('run', sharedPath('acceptance/pbmc3k.yaml'));
    expect(ended.code, ended.stderr).toBe(0);
    complete('pbmc3k', {
      selectors: ['random', 'cosg', 't-test', 'wilcoxon'],
      ks: [25],
      seeds: [0, 1],
      tasks: ['celltype'],
      evaluators: { forest: { metrics: METRICS }, knn: { metrics: METRICS }, reconstruction: { metrics: RECONSTRUCTION } },
    });
  });
});

describe('the quick start', () => {
  it('finds the true markers of the simulated atlas', async () => {
    const ended = await project.run(
      'run',
      `${process.cwd()}/examples/quickstart.yaml`,
      '--profile',
      'test',
      '--set',
      'selectors=[random,wilcoxon]',
    );
    expect(ended.code, ended.stderr).toBe(0);
    const recovery = table('results/quickstart/summary.csv').filter((r) => r.metric === 'precision_at_k');
    expect(Number(recovery.find((r) => r.selector === 'wilcoxon')!.mean)).toBeGreaterThan(0.9);
    expect(Number(recovery.find((r) => r.selector === 'random')!.mean)).toBeLessThan(0.4);
  });

  it('gives the same bytes from an empty store, training included', async () => {
    const file = `${process.cwd()}/examples/quickstart.yaml`;
    const flags = ['--profile', 'test', '--set', 'selectors=[random,{uses: yoto, with: {epochs: 6}}]'];
    for (const n of [1, 2]) {
      const ended = await project.run('run', file, ...flags, '--work', project.path(`store-${n}`), '--out', `same-${n}`);
      expect(ended.stderr).toContain(', 0 cached');
      await project.run('server', 'stop', '--work', project.path(`store-${n}`));
    }
    for (const f of [...FILES, 'report.html']) expect(project.read(`same-1/${f}`), f).toBe(project.read(`same-2/${f}`));
  });

  it('is exported: gene lists, an h5ad with panel and predictions, a MultiQC table, and a crate that holds together', async () => {
    const { run: name } = JSON.parse(project.read('same-1/run.json')) as { run: string };
    const ended = await project.run(
      ...['export', name, '--work', project.path('store-1')],
      ...['--as', 'genes,h5ad,multiqc,ro-crate', '--out', 'export'],
    );
    expect(ended.code, ended.stderr).toBe(0);
    await project.run('server', 'stop', '--work', project.path('store-1'));
    const [header, first] = project.lines(`export/panels/${project.list('export/panels')[0]}`);
    expect(header).toMatch(/^rank,gene,score/);
    expect(first).toMatch(/^1,\w+,/);
    expect(project.lines('export/panelflow_mqc.tsv').find((line) => !line.startsWith('#'))).toMatch(/^Sample\t/);
    const { obs, var: genes } = (await readDataset(project.path('export/quickstart.h5ad'))).data;
    expect((genes.columns.panel as { codes: Int32Array }).codes.reduce((a, b) => a + b, 0)).toBe(8);
    expect(obs.columns.split.kind).toBe('category');
    expect((obs.columns.predicted_cell_type as { codes: Int32Array }).codes.some((code) => code >= 0)).toBe(true);
    const { '@graph': graph } = JSON.parse(project.read('export/ro-crate-metadata.json')) as { '@graph': Record<string, unknown>[] };
    const ids = new Set(graph.map((entity) => entity['@id']));
    const refs = graph.flatMap((entity) => [...JSON.stringify(entity).matchAll(/\{"@id":"([^"]+)"\}/g)].map((m) => m[1]));
    expect(refs.filter((id) => !ids.has(id) && !id.startsWith('https://'))).toEqual([]);
    for (const { '@id': id, sha256 } of graph)
      if (typeof id === 'string' && sha256 !== undefined && !id.includes(':'))
        expect(
          createHash('sha256')
            .update(project.bytes(`export/${id}`))
            .digest('hex'),
          id,
        ).toBe(sha256);
  });
});
