import type { Dataset, ReportFile } from '../../contract.ts';
import { publishedTables } from '../report/published.ts';
import { columnsOf, type Read, tableFiles } from '../report/table-files.ts';
import type { Place, SpatialModel, Summary } from './model.ts';

const PLACE: readonly Read<Place>[] = [
  ['predictor', 'STRING', (r) => r.predictor],
  ['primary', 'INT32', (r) => r.primary],
  ['order', 'STRING', (r) => r.order],
  ['fold', 'STRING', (r) => r.fold],
  ['seed', 'INT64', (r) => r.seed],
];

interface Value extends Place {
  readonly metric: string;
  readonly value: number;
}

interface GeneValue extends Value {
  readonly gene: string;
}

/** metrics (a row for each fold), genes (each gene of each fold) and summary (over folds). */
export async function spatialTables({ results, summary, published }: SpatialModel, data: Dataset): Promise<ReportFile[]> {
  const metrics = results.flatMap((r) => Object.entries(r.values).map(([metric, value]): Value => ({ ...r, metric, value })));
  const genes = results.flatMap(({ genes: own, ...place }) =>
    Object.entries(own?.values ?? {}).flatMap(([metric, values]) =>
      Array.from(values, (value, at): GeneValue => ({ ...place, metric, value, gene: data.var.index[own!.columns[at]] })),
    ),
  );
  const value: readonly Read<Value>[] = [
    ['metric', 'STRING', (r) => r.metric],
    ['value', 'DOUBLE', (r) => r.value],
  ];
  const summaryColumns: readonly Read<Summary>[] = [
    ['predictor', 'STRING', (r) => r.predictor],
    ['primary', 'INT32', (r) => r.primary],
    ['order', 'STRING', (r) => r.order],
    ['metric', 'STRING', (r) => r.metric],
    ['n', 'INT32', (r) => r.n],
    ['mean', 'DOUBLE', (r) => r.mean],
    ['std', 'DOUBLE', (r) => r.sd],
    ['ci_low', 'DOUBLE', (r) => r.low],
    ['ci_high', 'DOUBLE', (r) => r.high],
  ];
  const gene: readonly Read<GeneValue>[] = [...PLACE, ['gene', 'STRING', (r) => r.gene], ...value];
  const tables = [
    { name: 'metrics', columns: columnsOf(metrics, [...PLACE, ...value]) },
    { name: 'genes', columns: columnsOf(genes, gene) },
    { name: 'summary', columns: columnsOf(summary, summaryColumns) },
    ...publishedTables(published),
  ];
  return (await Promise.all(tables.map(tableFiles))).flat();
}
