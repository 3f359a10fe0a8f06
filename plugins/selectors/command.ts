import { nearest } from '../../core/nearest.ts';
import { column } from '../../data/dataset.ts';
import { onlyTask, panelOf, requireFinite } from '../_cells.ts';
import { checkTasks } from '../_tasks.ts';
import { ask, asked, DATA, excerpt, numberOf, REQUEST, tableOf, taskInFile } from '../commands/_exchange.ts';
import { programParams, scriptsOf } from '../commands/_program.ts';
import { DataError, type Dataset, defineSelector, Task, z } from '../contract.ts';

const PANEL = 'panel.csv';

/** Genes by a program of the user's, in any language: docs/other-languages.md has what it reads and writes. */
export default defineSelector({
  id: 'command',
  version: 1,
  summary: 'Genes as a program of yours ranks them, in any language: it reads the learning cells and writes panel.csv',
  seeded: true,
  params: z
    .strictObject({
      ...programParams,
      k: z.int().positive().optional(),
      tasks: z.array(Task),
      every_k: z
        .boolean()
        .default(false)
        .describe('the program ranks all genes, and one call serves every k; else it is called for each k, and told it'),
      obs_columns: z.array(z.string()).default([]).describe("obs columns that it gets beside the task's, such as a batch"),
    })
    .overwrite((given) => (given.every_k ? { ...given, k: undefined } : given)),
  files: (given) => scriptsOf(given, [DATA, REQUEST, PANEL]),
  run: async (context, { data, split }, { k, tasks, obs_columns, ...program }) => {
    const own = onlyTask(tasks, 'command');
    const task = taskInFile(own);
    requireFinite(data);
    const given = {
      ...Object.fromEntries(obs_columns.map((name) => [name, column(data.obs, name)])),
      [task.column]: column(data.obs, own.column),
    };
    const cells = excerpt(data, { train: split.train, validation: split.validation }, given);
    checkTasks(cells, [task], 'Take another column, or a split that reaches more labelled cells.');
    const { task: described, values } = asked(cells, task);
    const found = await ask(context, program, {
      data: { ...cells, obs: { ...cells.obs, columns: { ...cells.obs.columns, [task.column]: values } } },
      request: { kind: 'selector', k: k ?? null, tasks: [described] },
      answer: PANEL,
      read: (text) => readPanel(text, data, k),
    });
    return { panel: panelOf(data, found.genes, found.scores, own.column) };
  },
});

interface Ranking {
  readonly genes: Uint32Array;
  readonly scores: Float64Array;
}

/**
 * Reads panel.csv: column `gene`, best first, and `score` where there is one. The first k, or all of them. DataError: an unknown gene, one
 * that stands there twice, a score that is no number, too few genes.
 */
function readPanel(content: string, { var: { index } }: Dataset, k: number | undefined): Ranking {
  const known = new Map(index.map((name, j) => [name, j]));
  const lineOf = new Map<number, number>();
  const scores: number[] = [];
  for (const { line, at } of tableOf(PANEL, content, ['gene']).rows) {
    const gene = at('gene');
    const j = known.get(gene);
    const context = { file: PANEL, line, gene };
    if (j === undefined) {
      const near = nearest(gene, index);
      throw new DataError(`${PANEL} names a gene that is not in ${DATA}: "${gene}"`, {
        context,
        mend: near === undefined ? `Names there are like ${index.slice(0, 3).join(', ')}.` : `Did you mean "${near}"?`,
      });
    }
    const before = lineOf.get(j);
    if (before !== undefined) {
      throw new DataError(`${PANEL} names the gene "${gene}" twice`, {
        context: { ...context, first: before },
        mend: 'Write each gene once.',
      });
    }
    const score = numberOf(at('score'));
    if (score === undefined) {
      throw new DataError(`The score of "${gene}" in ${PANEL} is no number: "${at('score')}"`, {
        context,
        mend: 'Write a number, or nothing where there is none.',
      });
    }
    lineOf.set(j, line);
    scores.push(score);
  }
  const wanted = k ?? index.length;
  if (lineOf.size < wanted) {
    throw new DataError(`${PANEL} ranks ${lineOf.size} genes, and ${wanted} are needed`, {
      context: { file: PANEL, genes: lineOf.size, k: k ?? 'every' },
      mend: k === undefined ? 'Rank all genes: those that it has no opinion on last.' : 'Rank at least k genes.',
    });
  }
  return { genes: Uint32Array.from(lineOf.keys()).slice(0, wanted), scores: Float64Array.from(scores).slice(0, wanted) };
}
