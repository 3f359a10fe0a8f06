import { describe, expect, it, vi } from 'vitest';
import { fail, print, say, table } from '../../cli/print.ts';
import { csvCell, csvTable } from '../../core/csv.ts';
import { DataError } from '../../core/errors.ts';
import { plainText } from '../../core/plain-text.ts';
import html from '../../plugins/reporters/html.ts';
import tables from '../../plugins/reporters/tables.ts';
import { csv } from '../../plugins/reporters/report/csv.ts';
import { executionPage } from '../../runs/execution-page.ts';
import { asFileName, publisher } from '../../runs/publish.ts';
import { tellStory } from '../../runs/run-story.ts';
import type { Plan, PlannedTask } from '../../schemas/plan.ts';
import type { TaskRecord } from '../../schemas/run.ts';
import { madeUpRun, report } from '../kit/reporter.ts';
import { refused, scratch } from './_hostile.ts';

const ESC = '\u001b';
/** Names of genes, cells, classes, tasks and selectors as an enemy would choose them. */
const NAMES: readonly (readonly [string, string])[] = [
  ['a script', '<script>alert(1)</script>'],
  ['the end of a script', '</script><img src=x onerror=alert(1)>'],
  ['the end of an attribute', '"><svg onload=alert(1)>'],
  ['the end of an attribute in single quotes', "' onmouseover='alert(1)"],
  ['the end of a style', '</style><b>'],
  ['the end of a title', '</title><script>x</script>'],
  ['a comment', '<!--'],
  ['an entity', '&lt;script&gt;'],
  ['a formula', "=cmd|'/c calc'!A1"],
  ['a formula with a plus', '+HYPERLINK(A1)'],
  ['a formula with an at', '@SUM(1+1)'],
  ['quotes, commas and lines', 'a"b,c\nd'],
  ['a terminal title', `${ESC}]0;owned\u0007`],
  ['a cleared screen', `${ESC}[2J${ESC}[H`],
  ['text turned around', 'gene\u202Etxt.exe'],
  ['a NUL', 'a\0b'],
  ['the prototype', '__proto__'],
  ['a place of ours', '<div id="run-story"></div>'],
  ['a replacement pattern', "$& $` $' $1"],
  ['10,000 letters', 'A'.repeat(10_000)],
];

/** The tags of a page with the names of their attributes; what is quoted, and what stands in styles and scripts, is left out. */
const tagsOf = (page: string): string[] =>
  [...page.replaceAll(/<(script|style)>.*?<\/\1>/gs, '<$1>').matchAll(/<\/?([a-z!][\w-]*)((?:"[^"]*"|[^">])*)>/gi)].map(
    ([, name, rest]) =>
      `${name} ${rest
        .replaceAll(/="[^"]*"/g, '')
        .replaceAll(/\s+/g, ' ')
        .trim()}`,
  );
const decoder = new TextDecoder();

/** A report in which a name stands for a selector, a task, a class, genes, a method and the title. */
async function reportWith(name: string): Promise<string> {
  const shape = { selectors: ['random', name], tasks: [name], classes: ['B', name, 'T'], ks: [8], seeds: [0, 1], cells: 60 };
  const run = madeUpRun(shape);
  const genes = run.data!.var.index.map((gene, i) => (i < 3 ? `${name}${i}` : gene));
  const data = { ...run.data!, var: { ...run.data!.var, index: genes } };
  const panels = run.panels.map(({ value, cell }) => ({ value: { ...value, names: Array.from(value.genes, (g) => genes[g]) }, cell }));
  const methods = [{ id: name, summary: name, cites: [name] }];
  const files = await report(html, { ...run, data, panels }, { title: name, methods });
  return decoder.decode(files.get('report.html'));
}

describe('names in a report are text', () => {
  const usual = reportWith('x1');
  it.each(NAMES)('%s', async (_, name) => {
    const [page, known] = [await reportWith(name), new Set(tagsOf(await usual))];
    expect(tagsOf(page).filter((tag) => !known.has(tag))).toEqual([]);
    expect(page.match(/<script>/g)).toHaveLength(1);
  });
});

describe('names in execution.html and the story of a run are text', () => {
  const task = (name: string): PlannedTask =>
    ({
      id: 'a-1',
      step: 'select',
      label: name,
      cell: { selector: name },
      uses: name,
      inputs: {},
      files: [],
      queue: 'cpu',
    }) as unknown as PlannedTask;
  const record = (name: string): TaskRecord =>
    ({
      task: 'a-1',
      step: 'select',
      status: 'FAILED',
      worker: name,
      failures: [{ code: name }],
      log: [name],
      facts: {},
      outputs: {},
      start: 1,
      complete: 5,
      submit: 0,
      attempt: 1,
      cpuMs: 1,
      peakRssBytes: 1,
      error: { code: name, message: name, context: {} },
    }) as unknown as TaskRecord;
  it.each(NAMES)('%s', (_, name) => {
    const plan = { tasks: [task(name)], axes: { selector: [name] }, params: {}, publish: [] } as unknown as Plan;
    const records = new Map([['a-1', { ...record(name), status: 'COMPLETED' as const }]]);
    const changes = [{ at: 0, by: name, what: 'pause' as const, note: name }] as never;
    const pages = [
      executionPage(name, plan, records),
      tellStory('<div id="run-story"></div>', { plan, records: new Map([['a-1', record(name)]]), changes, dropped: new Set() }),
    ];
    for (const page of pages)
      expect(tagsOf(page).filter((tag) => /^(script|img|svg on|div id)|onerror|onload|onmouse/.test(tag))).toEqual([]);
  });
});

describe('names in tables of text', () => {
  it.each(NAMES)('%s reads back as one cell, and runs nothing', (_, name) => {
    const text = csv({
      columns: [
        { name: 'gene', type: 'STRING', values: [name] },
        { name: 'x', type: 'DOUBLE', values: [-1.5] },
      ],
    });
    const [row] = csvTable(text).rows;
    expect([row.cells.length, row.at('x')]).toEqual([2, '-1.5']);
    expect([name.trim(), `'${name}`.trim()]).toContain(row.at('gene'));
    expect(text.split('\n')[1]).not.toMatch(/^"?[=@+]/);
  });

  it('numbers, ranges and signs stay as they are', () => {
    for (const name of ['-1', '+1.5', '-', '+', '-.5', 'CD4+', '-ve', 'HLA-A', "3'UTR", '1e-5']) expect(csvCell(name)).toBe(name);
  });

  it('of the files that reporters make, none begins a cell with a formula', async () => {
    const made = await report(tables, madeUpRun({ selectors: ["=cmd|'/c calc'!A1", '@SUM(1)'], ks: [8], seeds: [0] }));
    for (const [file, bytes] of made) if (/\.[ct]sv$/.test(file)) expect(decoder.decode(bytes), file).not.toMatch(/(^|[,\t])"?[=@]/m);
  });

  it('as files of results they stay in their folder, and fit', () => {
    const files = NAMES.map(([, name]) => asFileName(`selector=${name} k=8`));
    for (const file of files) expect(file).toMatch(/^[\w.,=-]{1,200}$/);
    expect(asFileName('A'.repeat(300))).not.toBe(asFileName('A'.repeat(301)));
  });
});

describe('names in a terminal', () => {
  const heard = (act: () => void): string => {
    const said: string[] = [];
    const catching = (text: unknown): boolean => said.push(String(text)) > 0;
    const spies = [
      vi.spyOn(process.stderr, 'write').mockImplementation(catching),
      vi.spyOn(process.stdout, 'write').mockImplementation(catching),
    ];
    act();
    for (const spy of spies) spy.mockRestore();
    return said.join('');
  };
  it.each(NAMES)('%s moves no cursor', (_, name) => {
    const text = heard(() => {
      say(name);
      print(table([[name, 1]], ['gene', 'rank']));
      fail(new DataError(`There is no gene "${name}"`, { context: { gene: name }, mend: name }));
      fail(new Error(name));
    });
    expect(text).not.toMatch(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/u);
    expect(plainText('tab\tline\nµ → 基因')).toBe('tab\tline\nµ → 基因');
  });
});

describe('names of files that reporters give are refused', () => {
  const { at } = scratch();
  refused(
    ['../evil.html', '/tmp/evil.html', 'a/../../evil', '..\\evil', '', '.', 'a\0.html'].map((name) => ({
      name: JSON.stringify(name),
      try: () => publisher(at('results'))(name, 'x'),
      code: 'DATA' as const,
      says: /no name of a file/,
    })),
  );
});
