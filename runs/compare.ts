import { type Comparison, compareRuns, type MetricValue, type RunSide, TOLERANCES, type Tolerances } from '../core/compare-runs.ts';
import { ConfigError } from '../core/errors.ts';
import { type ArtifactStore, recordPath } from '../core/store.ts';
import type { StoredEntry } from '../activities/cache.ts';
import type { Environment } from '../schemas/run.ts';
import { abreast } from './abreast.ts';
import { type PublishedTable, publishedTable } from './published.ts';
import { planOf, recordOf } from './records.ts';
import { recordsOf } from './results.ts';

/** The table by which runs are compared where outputs differ. */
const METRICS = 'metrics.csv';

/** Compares a run with its baseline; both lie in the store. `tolerances`: of single metrics. ConfigError when one of them does not. */
export async function compare(
  store: ArtifactStore,
  baseline: string,
  run: string,
  tolerances: Tolerances['metrics'] = {},
): Promise<Comparison> {
  const [a, b] = await Promise.all([sideOf(store, baseline), sideOf(store, run)]);
  const keyText = new Map<string, string>();
  const keys = new Set([...a.records.values(), ...b.records.values()].map((record) => record.key));
  await abreast([...keys], async (key) => {
    const text = key === '' ? undefined : await store.readRecord(recordPath.cache(key));
    const entry = JSON.parse(text ?? '{}') as Partial<StoredEntry>;
    if (entry.keyText !== undefined) keyText.set(key, entry.keyText);
  });
  return compareRuns(a, b, { keyText, tolerances: { ...TOLERANCES, metrics: tolerances } });
}

async function sideOf(store: ArtifactStore, run: string): Promise<RunSide> {
  const record = await recordOf(store, run);
  const [plan, records] = await Promise.all([planOf(store, record.plans.at(-1)!), recordsOf(store, run)]);
  const table = await publishedTable(store, { plan, records }, METRICS);
  return { run, plan, records, hosts: await hostsOf(store, run), metrics: table ? metricsIn(table) : new Map() };
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

/** The values of a metrics table, by all columns but the value. */
export function metricsIn({ columns, rows }: PublishedTable): Map<string, MetricValue> {
  if (!columns.includes('value')) throw new ConfigError(`${METRICS} has no column "value"`, { context: { columns: columns.join(',') } });
  const values = new Map<string, MetricValue>();
  for (const row of rows) {
    const place = (left: readonly string[]): string =>
      columns.flatMap((name) => (left.includes(name) || row[name] === '' ? [] : [`${name}=${row[name]}`])).join(' ');
    values.set(place(['value']), {
      metric: row.metric ?? 'value',
      group: place(['value', 'seed']),
      value: row.value === '' ? Number.NaN : Number(row.value),
    });
  }
  return values;
}
