import { describe, expect, test } from 'vitest';
import html from '../../../plugins/reporters/html.ts';
import { COLOURS, paletteCss } from '../../../plugins/reporters/report/palette.ts';
import { type MadeUpRun, madeUpRun, report, testReporter } from '../../kit/reporter.ts';

testReporter(html, { files: ['report.html'] });

const words = (n: number, stem: string): string[] => Array.from({ length: n }, (_, i) => `${stem}-${i}`);
const page = async (run: MadeUpRun, params: Record<string, unknown> = {}): Promise<string> =>
  new TextDecoder().decode((await report(html, madeUpRun(run), params)).get('report.html'));
const prose = (text: string): string => text.replace(/<style>.*?<\/style>|<script>.*?<\/script>|<[^>]+>/gs, ' ').replace(/\s+/g, ' ');

describe('the summary', () => {
  test('names the best selector with its spread, and the baseline', async () => {
    const text = prose(await page({ selectors: ['random', 'cosg', 'wilcoxon'], ks: [8, 50] }));
    expect(text).toMatch(/At k = 50 for cell_type , by forest accuracy: wilcoxon \(0\.\d{3} ± 0\.\d{3}\)/);
    expect(text).toMatch(/random:? \(?0\.\d{3} ± 0\.\d{3}/);
  });

  test('says when another method cannot be told apart', async () => {
    const values = (cell: Readonly<Record<string, string | number>>): Record<string, number> => ({
      accuracy:
        0.9 + 0.01 * Number(cell.seed) + (cell.selector === 'b' ? 0.002 * Number(cell.seed) : 0) - (cell.selector === 'c' ? 0.2 : 0),
    });
    const text = prose(await page({ selectors: ['a', 'b', 'c'], values }));
    expect(text).toContain("b (0.912 ± 0.012) and a (0.910 ± 0.010) can't be told apart at k = 16 on three seeds. ");
  });

  test('claims no spread for one seed', async () => {
    const text = prose(await page({ seeds: [3] }));
    expect(text).toContain('with one seed nothing can be told');
    expect(text).not.toContain('±');
  });

  test('takes the lowest error as the best', async () => {
    const values = (cell: Readonly<Record<string, string | number>>): Record<string, number> => ({
      mse: cell.selector === 'low' ? 0.1 : 0.4,
      pcc: 0.5,
    });
    expect(prose(await page({ selectors: ['high', 'low'], values }))).toContain('by lowest forest mean squared error: low (0.100');
  });
});

describe('the page', () => {
  test('holds charts, tables and data to download, and fetches nothing', async () => {
    const text = await page({ tasks: ['cell_type', 'batch'], evaluators: ['forest', 'knn'] });
    expect(text.match(/<svg aria-hidden/g)!.length).toBeGreaterThan(8);
    expect(text).toContain('download="accuracy-cell_type-forest.csv" href="data:text/csv');
    expect(text.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/(?:src|href)="(?!#|data:)|url\(|@import|http:/);
    expect(text).toContain('default-src &#39;none&#39;');
    expect(prose(text)).not.toMatch(/NaN|undefined|\[object/);
  });

  test('gives every chart a name, every table a caption and every header a scope', async () => {
    const text = await page({});
    expect(text.match(/class="plot" role="img" aria-label="[^"]{20,}"/g)!.length).toBe(text.match(/class="plot"/g)!.length);
    expect(text.match(/<caption>/g)!.length).toBe(text.match(/<table/g)!.length);
    expect(text.match(/<th[ >]/g)!.length).toBe(text.match(/<th [^>]*scope="/g)!.length);
  });

  test('draws rows instead of lines for one k', async () => {
    const text = await page({ ks: [12] });
    expect(text).not.toContain('genes in the panel (k)');
    expect(prose(text)).toContain('At k = 12');
  });

  test('shows r2 and error of a regression, without a confusion matrix', async () => {
    const values = (_: unknown, draw: () => number): Record<string, number> => ({ mse: draw(), r2: draw() });
    const run = madeUpRun({ values });
    const metrics = run.metrics.map((g) => ({ ...g, value: { values: g.value.values } }));
    const text = new TextDecoder().decode((await report(html, { ...run, metrics })).get('report.html'));
    expect(prose(text)).toContain('by forest R²');
    expect(prose(text)).toContain(
      'mean squared error, mean ± standard deviation over seeds; the best of each column is bold. Lower is better.',
    );
    expect(text).not.toContain('Confusion matrix');
  });

  test('draws twenty selectors, each in a colour of its own, in less than 5 MB', async () => {
    const text = await page({
      selectors: words(20, 'way'),
      ks: [4, 8, 16, 32],
      tasks: ['a', 'b', 'c'],
      evaluators: ['forest', 'knn', 'builtin'],
    });
    const colours = new Set([...text.matchAll(/<li data-c="([^"]+)"/g)].map((m) => m[1]));
    expect(colours.size).toBe(20);
    expect(Buffer.byteLength(text)).toBeLessThan(5_000_000);
  });

  test('leaves detail to the tables when it would grow past 5 MB', async () => {
    const values = (_: unknown, draw: () => number): Record<string, number> =>
      Object.fromEntries(
        ['accuracy', 'f1_macro', 'f1_weighted', 'balanced_accuracy', 'auroc_macro', 'auprc_macro'].map((m) => [m, draw()]),
      );
    const text = await page({
      selectors: words(24, 'a-rather-long-name'),
      ks: [8, 16, 24, 32, 40, 64],
      seeds: [0, 1],
      tasks: words(6, 'task'),
      evaluators: words(4, 'judge'),
      values,
    });
    expect(Buffer.byteLength(text)).toBeLessThan(5_000_000);
    expect(text).toContain('Smaller k are in panels.csv.');
  });

  test('lists the cells that have no result', async () => {
    const run = madeUpRun({});
    const missing = { metrics: [{ selector: 'yoto', k: 8, seed: 1, task: 'cell_type', evaluator: 'forest' }] };
    const text = prose(new TextDecoder().decode((await report(html, run, {}, missing)).get('report.html')));
    expect(text).toContain('1 cell without a result.');
    expect(text).toContain('selector yoto · k 8 · seed 1 · task cell_type · evaluator forest');
    expect(prose(await page({}))).toContain('Every cell has a result.');
  });

  test('links citations, facts and training curves', async () => {
    const run = madeUpRun({});
    const curves = { loss: Float64Array.from({ length: 500 }, (_, e) => 1 / (1 + e)) };
    const panels = run.panels.map((g) => ({ ...g, value: { ...g.value, curves } }));
    const methods = [
      { id: 'selector/x', summary: 'A way', cites: ['10.1038/s41540-022-00249-1', 'arXiv:2305.00001', 'javascript:alert(1)'] },
    ];
    const params = {
      title: 'Cortex',
      description: 'Which genes?',
      facts: { params: { hvg: { top: 2000 }, tasks: ['a', 'b'], selectors: [{ uses: 'selector/x', as: 'fast', with: { epochs: 5 } }] } },
      methods,
    };
    const text = new TextDecoder().decode((await report(html, { ...run, panels }, params)).get('report.html'));
    expect(text).toContain('<a href="https://doi.org/10.1038/s41540-022-00249-1">');
    expect(text).toContain('<a href="https://arxiv.org/abs/2305.00001">');
    expect(text).not.toContain('href="javascript');
    expect(prose(text)).toMatch(/params\.hvg\.top 2000 params\.tasks a, b params\.selectors fast \(epochs: 5\)/);
    expect(text).toContain('id="training"');
  });
});

describe('the cells', () => {
  const run = madeUpRun({});
  const embedding = { method: 'UMAP', coordinates: Float32Array.from({ length: 240 }, (_, i) => Math.sin(i * 7.3) * (1 + (i % 3))) };
  const made = async (more: object): Promise<string> =>
    new TextDecoder().decode((await report(html, { ...run, ...more })).get('report.html'));

  test('lie on a map, by their labels and by those that the best panel gives them', async () => {
    const text = await made({ embedding });
    expect(text).toContain('download="map-cell_type.csv"');
    expect(text).toContain('download="map-cell_type-called.csv"');
    expect(prose(text)).toMatch(/five nearest neighbours among cells of other fifths\. \d+(\.\d)? % are right/);
    const link = /download="map-cell_type-called\.csv" href="data:text\/csv;charset=utf-8;base64,([^"]+)"/.exec(text)![1];
    const [header, ...rows] = Buffer.from(link, 'base64').toString().trim().split('\n');
    expect(header).toBe('cell,x,y,label,called');
    expect(rows).toHaveLength(120);
    const right = rows.filter((row) => row.split(',')[3] === row.split(',')[4]).length / rows.length;
    expect(prose(text)).toContain(`${Math.round(100 * right)} % are right`);
    // The made-up classes are easily told apart.
    expect(right).toBeGreaterThan(0.6);
  });

  test('have their classes counted, and no map where there is none', async () => {
    const text = await made({});
    expect(text).toContain('download="classes-cell_type.csv"');
    expect(text).not.toContain('map-cell_type');
    expect(prose(await made({ embedding: { ...embedding, coordinates: new Float32Array(4) } }))).not.toContain('UMAP');
  });
});

test('ranks selectors over several datasets', async () => {
  const run = madeUpRun({ selectors: ['random', 'cosg', 'wilcoxon'], ks: [8] });
  const of = (dataset: string) => ({
    metrics: run.metrics.map((g) => ({ ...g, cell: { ...g.cell, dataset } })),
    panels: run.panels.map((g) => ({ ...g, cell: { ...g.cell, dataset } })),
  });
  const sets = ['zeisel', 'paul15', 'kang'].map(of);
  const all = { metrics: sets.flatMap((s) => s.metrics), panels: sets.flatMap((s) => s.panels) };
  const text = prose(new TextDecoder().decode((await report(html, all)).get('report.html')));
  expect(text).toContain('At k = 8 for kang: cell_type , by forest accuracy');
  expect(text).toMatch(/Iman and Davenport, 3 places/);
  expect(text).toContain('Panels for zeisel: cell_type');
  // Nothing of one dataset's cells is shown.
  expect(text).not.toContain('The cells');
  expect(text).not.toMatch(/NaN|undefined/);
});

test('shows how well each gene is rebuilt, best and worst by name', async () => {
  const run = madeUpRun({});
  const columns = Uint32Array.from({ length: 80 }, (_, j) => j);
  const metrics = run.metrics.map((g) => {
    const pcc = Float32Array.from(columns, (j) => (j === 5 ? Number.NaN : 1 - j / 100 - (g.cell.selector === 'random' ? 0.1 : 0)));
    return { ...g, value: { values: { pcc: 0.6 }, genes: { columns, values: { pcc } } } };
  });
  const text = prose(new TextDecoder().decode((await report(html, { ...run, metrics })).get('report.html')));
  expect(text).toContain('Best by wilcoxon: Gene0 (1.000), Gene1 (0.990)');
  expect(text).toContain('Gene78 (0.220) and Gene79 (0.210).');
  expect(text).not.toContain('Gene5 (');
});

test('has a text for a paper, and the works that it cites as BibTeX', async () => {
  const methods = [
    { id: 'wilcoxon', summary: 'Ranks', cites: ['10.2307/3001968'] },
    { id: 'forest', summary: 'Trees', cites: ['doi:10.1023/A:1010933404324', '10.9999/unheard.of'] },
  ];
  const text = await page({}, { methods });
  expect(text).toContain('wilcoxon~\\cite{wilcoxon1945}');
  expect(text).toContain('forest~\\cite{breiman2001forests,10_9999_unheard_of}');
  expect(text).toMatch(/@article\{wilcoxon1945,\n {2}author = \{Wilcoxon, Frank\},/);
  expect(text).toContain('@misc{10_9999_unheard_of,\n  doi = {10.9999/unheard.of}\n}');
});

test('keeps names harmless, whatever they say', async () => {
  const evil = '<script>alert(1)</script>"\'&';
  const text = await page(
    { selectors: [evil, 'random'], tasks: [evil], evaluators: [evil], classes: [evil, '<b>B</b>', '</svg>'] },
    {
      title: evil,
      description: evil,
      facts: { [evil]: evil },
      methods: [{ id: evil, summary: evil, cites: [`https://x.org/"onclick="${evil}`] }],
    },
  );
  expect(text.match(/<script/g)).toHaveLength(1);
  expect(text).not.toMatch(/<b>B<\/b>|"onclick=/);
  expect(text.match(/<svg/g)).toHaveLength(text.match(/<\/svg>/g)!.length);
  expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
});

test('has 24 colours or more, none twice, for light and for dark pages', () => {
  expect(COLOURS).toBeGreaterThanOrEqual(24);
  for (const css of Object.values(paletteCss)) expect(new Set(css.match(/#[0-9a-f]{6}/g))).toHaveProperty('size', COLOURS);
});
