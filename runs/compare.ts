import { type Comparison, compareRuns, type MetricValue, type RunSide, type Tolerances } from '../core/compare-runs.ts';
import { ConfigError } from '../core/errors.ts';
import { type ArtifactStore, recordPath } from '../core/store.ts';
import { decode } from '../data/portable.ts';
import { fields } from '../data/text.ts';
import type { StoredEntry } from '../activities/cache.ts';
import type { Plan } from '../schemas/plan.ts';
import type { Environment, TaskRecord } from '../schemas/run.ts';
import { abreast } from './abreast.ts';
import { planOf, recordOf } from './records.ts';
import { recordsOf } from './results.ts';

/** The table by which runs are compared where outputs differ. */
const METRICS = 'metrics.csv';

/** Compares a run with its baseline; both lie in the store. ConfigError when one of them does not. */
export async function compare(store: ArtifactStore, baseline: string, run: string, tolerances?: Tolerances): Promise<Comparison> {
  const [a, b] = await Promise.all([sideOf(store, baseline), sideOf(store, run)]);
  const keyText = new Map<string, string>();
  const keys = new Set([...a.records.values(), ...b.records.values()].map((record) => record.key));
  await abreast([...keys], async (key) => {
    const text = key === '' ? undefined : await store.readRecord(recordPath.cache(key));
    const entry = JSON.parse(text ?? '{}') as Partial<StoredEntry>;
    if (entry.keyText !== undefined) keyText.set(key, entry.keyText);
  });
  return compareRuns(a, b, { keyText, ...(tolerances ? { tolerances } : {}) });
}

async function sideOf(store: ArtifactStore, run: string): Promise<RunSide> {
  const record = await recordOf(store, run);
  const [plan, records] = await Promise.all([planOf(store, record.plans.at(-1)!), recordsOf(store, run)]);
  return { run, plan, records, hosts: await hostsOf(store, run), metrics: await metricsOf(store, plan, records) };
}

/** What the workers of a run computed with, each once. */
export async function hostsOf(store: ArtifactStore, run: string): Promise<Environment[]> {
  const texts = new Set<string>();
  for (const path of await store.listRecords(recordPath.hosts(run))) {
    const text = await store.readRecord(path);
    if (text !== undefined) texts.add(text);
  }
  return [...texts].toSorted().map((text) => JSON.parse(text) as Environment);
}

async function metricsOf(
  store: ArtifactStore,
  { publish }: Plan,
  records: ReadonlyMap<string, TaskRecord>,
): Promise<Map<string, MetricValue>> {
  for (const { task, port } of publish) {
    const ref = records.get(task)?.outputs[port];
    if (ref?.type !== 'files' || !(await store.has(ref))) continue;
    const file = (decode(await store.get(ref)) as { name: string; bytes: Uint8Array }[]).find(({ name }) => name === METRICS);
    if (file) return readMetrics(Buffer.from(file.bytes).toString('utf8'));
  }
  return new Map();
}

/** The values of a metrics table, by all columns but the value. */
export function readMetrics(text: string): Map<string, MetricValue> {
  const [head, ...lines] = text.trimEnd().split(/\r?\n/);
  const columns = fields(head, ',');
  const at = columns.indexOf('value');
  if (at < 0) throw new ConfigError(`${METRICS} has no column "value"`, { context: { columns: columns.join(',') } });
  const values = new Map<string, MetricValue>();
  for (const line of lines) {
    const row = fields(line, ',');
    const place = (left: readonly string[]): string =>
      columns.flatMap((name, i) => (left.includes(name) || row[i] === '' ? [] : [`${name}=${row[i]}`])).join(' ');
    const text = row[at];
    values.set(place(['value']), {
      metric: row[columns.indexOf('metric')] ?? 'value',
      group: place(['value', 'seed']),
      value: text === '' ? Number.NaN : Number(text),
    });
  }
  return values;
}
