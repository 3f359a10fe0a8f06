import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { describe, expect, test } from 'vitest';
import type { Gathered, Metrics } from '../../../plugins/contract.ts';
import tables from '../../../plugins/reporters/tables.ts';
import { hasPython, runPython } from '../../kit/python.ts';
import { madeUpRun, report, testReporter } from '../../kit/reporter.ts';

const NAMES = ['metrics', 'panels', 'summary', 'comparisons'];
const text = (files: Map<string, Uint8Array>, name: string): string => new TextDecoder().decode(files.get(name));
const read = (bytes: Uint8Array): Promise<Record<string, any>[]> => parquetReadObjects({ file: new Uint8Array(bytes).buffer });

testReporter(tables, { files: NAMES.flatMap((name) => [`${name}.csv`, `${name}.parquet`]) });

const cell = (selector: string, k: number, seed: number, more: object = {}): Record<string, string | number> => ({
  selector,
  k,
  seed,
  task: 'type',
  ...more,
});

describe('metrics.csv', () => {
  test('has one row a value: selectors as they first appear, k and seed rising, metrics in their listed order', async () => {
    const metrics: Gathered<Metrics>[] = [
      { value: { values: { l2: 0.1, accuracy: 0.25 } }, cell: cell('z', 64, 1, { evaluator: 'forest' }) },
      { value: { values: { accuracy: 0.5 } }, cell: cell('z', 16, 1, { evaluator: 'forest' }) },
      { value: { values: { accuracy: 1 / 3 } }, cell: cell('a', 16, 10, { evaluator: 'forest' }) },
      { value: { values: { accuracy: 1e-9 } }, cell: cell('a', 16, 2, { evaluator: 'forest' }) },
    ];
    const files = await report(tables, { ...madeUpRun(), metrics, panels: [] });
    expect(text(files, 'metrics.csv')).toBe(
      [
        'selector,k,seed,task,evaluator,metric,value',
        'z,16,1,type,forest,accuracy,0.5',
        'z,64,1,type,forest,accuracy,0.25',
        'z,64,1,type,forest,l2,0.1',
        'a,16,2,type,forest,accuracy,1e-9',
        'a,16,10,type,forest,accuracy,0.3333333333333333',
        '',
      ].join('\n'),
    );
  });

  test('quotes commas, quotes and line breaks, and leaves NaN empty', async () => {
    const metrics = [{ value: { values: { 'odd,one': Number.NaN } }, cell: cell('my "best", way\n', 1, 0, { evaluator: ' x' }) }];
    const files = await report(tables, { ...madeUpRun(), metrics, panels: [] });
    expect(text(files, 'metrics.csv')).toBe('selector,k,seed,task,evaluator,metric,value\n"my ""best"", way\n",1,0,type," x","odd,one",\n');
    expect((await read(files.get('metrics.parquet')!))[0].value).toBeNull();
  });
});

describe('summary.csv', () => {
  test('has mean, sd and a 95 % interval over the seeds that are there', async () => {
    const metrics = [0.5, 1, Number.NaN, 0.75].map((accuracy, seed) => ({
      value: { values: { accuracy } },
      cell: cell('a', 16, seed, { evaluator: 'knn' }),
    }));
    const files = await report(tables, { ...madeUpRun(), metrics, panels: [] });
    const [header, row] = text(files, 'summary.csv').split('\n');
    expect(header).toBe('selector,k,task,evaluator,metric,n,mean,std,ci_low,ci_high');
    expect(row.startsWith('a,16,type,knn,accuracy,3,0.75,')).toBe(true);
    const [std, low, high] = row.split(',').slice(7).map(Number);
    expect(std).toBeCloseTo(0.25, 12);
    expect(low).toBeCloseTo(0.75 - (4.302652729749463 * 0.25) / Math.sqrt(3), 10);
    expect(high).toBeCloseTo(0.75 + (4.302652729749463 * 0.25) / Math.sqrt(3), 10);
  });

  test('leaves spread and interval empty for one seed', async () => {
    const files = await report(tables, madeUpRun({ seeds: [4], ks: [8], selectors: ['a'] }));
    expect(text(files, 'summary.csv').split('\n')[1]).toMatch(/^a,8,cell_type,forest,accuracy,1,0\.[0-9]+,,,$/);
  });
});

describe('comparisons.csv', () => {
  const judged = (values: Record<string, number[]>, more: object = {}): Gathered<Metrics>[] =>
    Object.entries(values).flatMap(([selector, own]) =>
      own.map((accuracy, seed) => ({ value: { values: { accuracy } }, cell: cell(selector, 16, seed, { evaluator: 'knn', ...more }) })),
    );
  const rowsOf = async (metrics: Gathered<Metrics>[], params: Record<string, unknown> = {}): Promise<string[]> =>
    text(await report(tables, { ...madeUpRun(), metrics, panels: [] }, params), 'comparisons.csv')
      .trimEnd()
      .split('\n');

  test('has every pair of selectors once, paired over the seeds that both have', async () => {
    const rows = await rowsOf(judged({ b: [0.9, 0.92, 0.91, Number.NaN], a: [0.5, 0.53, 0.51, 0.6], c: [0.9, 0.92, 0.91] }));
    expect(rows[0]).toBe('task,evaluator,metric,k,a,b,n,mean_difference,ci_low,ci_high,p,p_holm,effect_size,verdict');
    expect(rows.slice(1).map((row) => row.split(',').slice(0, 7).join(','))).toEqual([
      'type,knn,accuracy,16,b,a,3',
      'type,knn,accuracy,16,b,c,3',
      'type,knn,accuracy,16,a,c,3',
    ]);
    expect(rows.slice(1).map((row) => row.split(',').at(-1))).toEqual(['better', 'same', 'worse']);
  });

  test('has the corrected resampled t test by the share of cells that is tested', async () => {
    // By scipy: d = [.04, .05, .09], se = std(d, ddof=1) sqrt(1/3 + q), p = 2 t.sf(mean / se, 2), q = 0.25 and 1.
    const metrics = judged({ a: [0.54, 0.65, 0.79], b: [0.5, 0.6, 0.7] });
    for (const [params, p, low] of [
      [{}, 0.09717424736406553, -0.02694481991126156],
      [{ test_share: 0.5 }, 0.18849732879931094, -0.07144821215456859],
    ] as const) {
      const [, , , , , , n, mean, found, , own, holm, effect, verdict] = (await rowsOf(metrics, params))[1].split(',');
      expect([n, verdict]).toEqual(['3', 'unsure']);
      expect(Number(mean)).toBeCloseTo(0.06, 12);
      expect(Number(found)).toBeCloseTo(low, 10);
      expect(Number(own)).toBeCloseTo(p, 10);
      expect(Number(holm)).toBeCloseTo(p, 10);
      expect(Number(effect)).toBeCloseTo(1.2794617117375386, 10);
    }
  });

  test('says better of the lower error, and nothing from one seed or from differences that do not vary', async () => {
    const metrics = [0.1, 0.11, 0.1].flatMap((mse, seed) =>
      ['low', 'high'].map((selector) => ({
        value: { values: { mse: selector === 'low' ? mse : mse + 0.3 + 0.001 * seed } },
        cell: cell(selector, 16, seed, { evaluator: 'knn' }),
      })),
    );
    expect((await rowsOf(metrics))[1]).toMatch(/,better$/);
    expect((await rowsOf(judged({ a: [0.5], b: [0.4] })))[1]).toMatch(/^type,knn,accuracy,16,a,b,1,0\.09+8?,,,,,,untested$/);
    expect((await rowsOf(judged({ a: [0.5, 0.75], b: [0.25, 0.5] })))[1]).toMatch(/,2,0\.25,,,,,,unsure$/);
  });

  test('keeps what further axes tell apart', async () => {
    const values = { a: [0.5, 0.6, 0.7], b: [0.4, 0.3, 0.2] };
    const rows = await rowsOf([0, 0.5].flatMap((label_noise) => judged(values, { label_noise })));
    expect(rows.map((row) => row.split(',').at(-1))).toEqual(['label_noise', '0', '0.5']);
  });
});

describe('panels.csv', () => {
  const panel = (task: string | null, names: string[]) => ({
    genes: Uint32Array.from(names, (_, j) => j),
    names,
    scores: Float64Array.from(names, (_, j) => (j === 1 ? Number.NaN : 2.5 - j)),
    task,
  });

  test('lists the first k genes with rank from 1, and a panel for all tasks once', async () => {
    const shared = panel(null, ['Gad1', 'Sst', 'Pvalb']);
    const panels = [
      { value: shared, cell: cell('yoto', 2, 0, { task: 'type' }) },
      { value: shared, cell: cell('yoto', 2, 0, { task: 'region' }) },
      { value: panel('region', ['Vip']), cell: cell('cosg', 2, 0, { task: 'region' }) },
    ];
    const files = await report(tables, { ...madeUpRun(), metrics: [], panels });
    expect(text(files, 'panels.csv')).toBe(
      'selector,k,seed,task,rank,gene,score\nyoto,2,0,,1,Gad1,2.5\nyoto,2,0,,2,Sst,\ncosg,2,0,region,1,Vip,2.5\n',
    );
  });
});

describe('the Parquet tables', () => {
  test('hold the same rows as the CSV ones', async () => {
    const files = await report(tables, madeUpRun({ tasks: ['cell_type', 'batch'] }));
    for (const name of NAMES) {
      const rows = await read(files.get(`${name}.parquet`)!);
      const lines = rows.map((row) =>
        Object.values(row)
          .map((v) => (v === null ? '' : String(v)))
          .join(','),
      );
      expect([Object.keys(rows[0]).join(','), ...lines, ''].join('\n')).toBe(text(files, `${name}.csv`));
    }
  });

  test.skipIf(!hasPython)('are read by pandas as the CSV ones are', async () => {
    const files = await report(tables, madeUpRun());
    const folder = mkdtempSync(join(tmpdir(), 'panelflow-tables-'));
    try {
      for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
      const script = `
import json, pandas as pd, sys
for n in ${JSON.stringify(NAMES)}:
    a, b = pd.read_csv(f"{sys.argv[1]}/{n}.csv"), pd.read_parquet(f"{sys.argv[1]}/{n}.parquet")
    if n == "panels": a["task"] = a["task"].astype(object); b["task"] = b["task"].where(b["task"].notna(), float("nan"))
    pd.testing.assert_frame_equal(a, b, check_dtype=False)
    assert str(b.dtypes["k"]) == "int32", b.dtypes
print(json.dumps("same"))`;
      expect(runPython(script, folder)).toBe('same');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
