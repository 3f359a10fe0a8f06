import { decode } from '../data/portable.ts';
import { fields } from '../data/text.ts';
import type { ArtifactStore } from '../core/store.ts';
import type { Plan } from '../schemas/plan.ts';
import type { TaskRecord } from '../schemas/run.ts';

/** A table as a reporter made it: its columns, and rows by column. */
export interface PublishedTable {
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, string>>[];
}

/** The CSV file of that name among what the reporters of a run made; undefined when there is none. */
export async function publishedTable(
  store: ArtifactStore,
  { plan, records }: { readonly plan: Plan; readonly records: ReadonlyMap<string, TaskRecord> },
  name: string,
): Promise<PublishedTable | undefined> {
  for (const { task, port } of plan.publish) {
    const ref = records.get(task)?.outputs[port];
    if (ref?.type !== 'files' || !(await store.has(ref))) continue;
    const file = (decode(await store.get(ref)) as { name: string; bytes: Uint8Array }[]).find((f) => f.name === name);
    if (file) return readTable(Buffer.from(file.bytes).toString('utf8'));
  }
  return undefined;
}

export function readTable(text: string): PublishedTable {
  const [head, ...lines] = text.trimEnd().split(/\r?\n/);
  const columns = fields(head, ',');
  return { columns, rows: lines.map((line) => Object.fromEntries(fields(line, ',').map((value, i) => [columns[i], value]))) };
}
