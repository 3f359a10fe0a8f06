import type { Column } from '../../data/dataset.ts';
import { csvCell } from '../../core/csv.ts';
import { plural } from '../../core/units.ts';
import type { Publish } from '../../runs/publish.ts';
import { datasetOf, fileName, panelOf, panelTasks, sizeOf, type Taken } from './taken.ts';

/** Names that var columns with a gene's place go by. */
const PLACE = {
  chromosome: ['chromosome', 'chrom', 'chr', 'seqname'],
  start: ['start', 'chromStart', 'start_position'],
  end: ['end', 'chromEnd', 'end_position'],
};

export function valueAt(column: Column, row: number): string {
  if (column.kind === 'category') return column.codes[row] < 0 ? '' : column.categories[column.codes[row]];
  if (column.kind === 'string') return column.values[row] ?? '';
  return Number.isNaN(column.values[row]) ? '' : String(column.values[row]);
}

/** Each panel as a CSV (rank, gene, score, and all that the dataset knows of the gene), and as BED where that holds the genes' places. */
export async function exportGenes(taken: Taken, publish: Publish, cell?: string): Promise<string> {
  const tasks = panelTasks(taken, cell);
  const datasets = new Map<string, ReturnType<typeof datasetOf>>();
  let beds = 0;
  for (const task of tasks) {
    const key = JSON.stringify(task.inputs.data);
    const known = datasets.get(key) ?? datasetOf(taken, task);
    datasets.set(key, known);
    const { columns } = (await known).var;
    const panel = await panelOf(taken, task);
    const names = Object.keys(columns);
    const ranks = Array.from({ length: Math.min(sizeOf(taken, task), panel.genes.length) }, (_, rank) => rank);
    const rows = ranks.map((rank) => [
      String(rank + 1),
      panel.names[rank],
      Number.isNaN(panel.scores[rank]) ? '' : String(panel.scores[rank]),
      ...names.map((name) => valueAt(columns[name], panel.genes[rank])),
    ]);
    const lines = [['rank', 'gene', 'score', ...names], ...rows].map((row) => row.map(csvCell).join(','));
    await publish(`panels/${fileName(task)}.csv`, `${lines.join('\n')}\n`);
    const [chromosome, start, end] = Object.values(PLACE).map((known) => names.find((name) => known.includes(name)));
    if (chromosome === undefined || start === undefined || end === undefined) continue;
    const bed = ranks.map((rank) =>
      [...[chromosome, start, end].map((name) => valueAt(columns[name], panel.genes[rank])), panel.names[rank], String(rank + 1)].join(
        '\t',
      ),
    );
    await publish(`panels/${fileName(task)}.bed`, `${bed.join('\n')}\n`);
    beds++;
  }
  return `panels/ with ${plural(tasks.length, 'gene list')}${beds > 0 ? ` and ${plural(beds, 'BED file')}` : ''}`;
}
