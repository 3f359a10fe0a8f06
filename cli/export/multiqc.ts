import { ConfigError } from '../../core/errors.ts';
import { decode } from '../../data/portable.ts';
import { fields } from '../../data/text.ts';
import type { Publish } from '../../runs/publish.ts';
import type { Taken } from './taken.ts';

/** One table for MultiQC (custom content): a row for each selector and k, a column for each task, evaluator and metric; means over seeds. */
export async function exportMultiqc({ store, plan, records, record }: Taken, publish: Publish): Promise<string> {
  for (const { task, port } of plan.publish) {
    const ref = records.get(task)?.outputs[port];
    if (ref?.type !== 'files') continue;
    const file = (decode(await store.get(ref)) as { name: string; bytes: Uint8Array }[]).find(({ name }) => name === 'summary.csv');
    if (!file) continue;
    await publish('panelflow_mqc.tsv', multiqcTable(Buffer.from(file.bytes).toString('utf8'), record.name));
    return 'panelflow_mqc.tsv';
  }
  throw new ConfigError(`The run ${record.run} has no summary.csv`, { mend: 'The step reporter/tables makes it.' });
}

function multiqcTable(summary: string, name: string): string {
  const [head, ...lines] = summary.trimEnd().split('\n');
  const columns = fields(head, ',');
  const rows = lines.map((line) => Object.fromEntries(fields(line, ',').map((value, i) => [columns[i], value])));
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
