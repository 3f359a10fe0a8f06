import { ConfigError } from '../../core/errors.ts';
import type { Publish } from '../../runs/publish.ts';
import { type PublishedTable, publishedTable } from '../../runs/published.ts';
import type { Taken } from './taken.ts';

/** One table for MultiQC (custom content): a row for each selector and k, a column for each task, evaluator and metric; means over seeds. */
export async function exportMultiqc(taken: Taken, publish: Publish): Promise<string> {
  const { run, name } = taken.record;
  const summary = await publishedTable(taken.store, taken, 'summary.csv');
  if (!summary) throw new ConfigError(`The run ${run} has no summary.csv`, { mend: 'The step reporter/tables makes it.' });
  await publish('panelflow_mqc.tsv', multiqcTable(summary, name));
  return 'panelflow_mqc.tsv';
}

function multiqcTable({ rows }: PublishedTable, name: string): string {
  const samples = new Map<string, Map<string, string>>();
  const metrics = new Set<string>();
  for (const { selector, k, task, evaluator, metric, mean } of rows) {
    const sample = `${selector} k=${k}`;
    const column = [task, evaluator, metric].filter(Boolean).join(' ');
    metrics.add(column);
    const values = samples.get(sample) ?? new Map<string, string>();
    samples.set(sample, values.set(column, mean));
  }
  const header = [
    `# id: "panelflow_${name}"`,
    `# section_name: "Gene panels: ${name}"`,
    '# description: "Means over seeds; see the report of panelflow."',
    '# plot_type: "table"',
    '# file_format: "tsv"',
  ];
  const table = [
    ['Sample', ...metrics],
    ...[...samples].map(([sample, values]) => [sample, ...[...metrics].map((m) => values.get(m) ?? '')]),
  ];
  return `${[...header, ...table.map((row) => row.join('\t'))].join('\n')}\n`;
}
