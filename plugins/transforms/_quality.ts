import { didYouMean } from '../../core/problem.ts';
import { type Dataset, labels, takeCells, takeGenes } from '../../data/dataset.ts';
import type { Matrix } from '../../data/matrix.ts';
import { cellMetrics, geneMetrics, mitochondrial, passesClasses } from '../../stats/qc.ts';
import { DataError, type Facts, type StepContext } from '../contract.ts';
import type { QualityParams } from './qc.ts';

/** A filter in the words of its parameter, and how many it removed. */
type Removed = Record<string, number>;

/** Applies the filters in order: cells by thresholds, rare classes, genes by name, genes by cells, genes by classes. */
export async function filterQuality(data: Dataset, p: QualityParams, context: StepContext): Promise<{ data: Dataset; facts: Facts }> {
  const cellsRemoved: Removed = {};
  const genesRemoved: Removed = {};
  const base = countLike(data, p, context);
  let kept = dropNamedClasses(dropCells(data, base, p, cellsRemoved), p, cellsRemoved);
  await context.breathe();
  kept = dropRareClasses(kept, p, cellsRemoved);
  refuseEmpty(kept.X.rows, { what: 'cells', removed: cellsRemoved, before: data.X.rows });
  warnLosses(cellsRemoved, data.X.rows, context);
  await context.breathe();
  kept = dropGenes(kept, base !== undefined, p, genesRemoved);
  refuseEmpty(kept.X.cols, { what: 'genes', removed: genesRemoved, before: data.X.cols });
  const facts: Record<string, number> = { cells_before: data.X.rows, cells: kept.X.rows, genes_before: data.X.cols, genes: kept.X.cols };
  for (const [name, n] of Object.entries(cellsRemoved)) facts[`cells_removed_${name}`] = n;
  for (const [name, n] of Object.entries(genesRemoved)) facts[`genes_removed_${name}`] = n;
  return { data: kept, facts };
}

/** The matrix whose values above zero mean "seen": counts where there are any, else X unless it holds negatives. */
function seenMatrix(data: Dataset): Matrix | undefined {
  return data.layers.counts ?? (data.scale === 'scaled' ? undefined : data.X);
}

/** As seenMatrix, and says which filters the data do not allow. */
function countLike(data: Dataset, p: QualityParams, context: StepContext): Matrix | undefined {
  const seen = seenMatrix(data);
  if (!seen) {
    context.log('X holds scaled values and there are no counts: filters by genes, cells and counts are skipped');
  } else if (!hasCounts(data) && (p.max_pct_mt ?? p.min_counts ?? p.max_counts) !== undefined) {
    context.log(`X holds ${data.scale} values and there are no counts: max_pct_mt, min_counts and max_counts are skipped`);
  }
  return seen;
}

function hasCounts(data: Dataset): boolean {
  return data.layers.counts !== undefined || data.scale === 'counts';
}

function dropCells(data: Dataset, base: Matrix | undefined, p: QualityParams, removed: Removed): Dataset {
  if (!base) return data;
  const metrics = cellMetrics(base, mitochondrial(data.var.index));
  const least = p.min_genes ?? Math.min(200, Math.ceil(0.02 * base.cols));
  const counted = hasCounts(data);
  const tests: [string, (i: number) => boolean][] = [
    ['min_genes', (i) => metrics.genes[i] < least],
    ['max_genes', (i) => p.max_genes !== undefined && metrics.genes[i] > p.max_genes],
    ['min_counts', (i) => counted && p.min_counts !== undefined && metrics.total[i] < p.min_counts],
    ['max_counts', (i) => counted && p.max_counts !== undefined && metrics.total[i] > p.max_counts],
    ['max_pct_mt', (i) => counted && p.max_pct_mt !== undefined && metrics.markedPercent[i] > p.max_pct_mt],
  ];
  const keep: number[] = [];
  for (let i = 0; i < base.rows; i++) {
    const failed = tests.find(([, fails]) => fails(i));
    if (failed) removed[failed[0]] = (removed[failed[0]] ?? 0) + 1;
    else keep.push(i);
  }
  return keep.length === base.rows ? data : takeCells(data, keep);
}

const classTasks = (p: QualityParams): string[] => p.tasks.filter((t) => t.kind === 'classification').map((t) => t.column);

function dropNamedClasses(data: Dataset, p: QualityParams, removed: Removed): Dataset {
  const named = p.drop_classes;
  if (named.length === 0) return data;
  const columns = classTasks(p).map((name) => labels(data.obs, name));
  const known = columns.flatMap(({ classes }) => classes);
  const unknown = named.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new DataError(`drop_classes names a class "${unknown}" that no classification task has`, {
      context: { class: unknown },
      mend: didYouMean(unknown, known) ?? 'Give a classification task, or leave drop_classes out.',
    });
  }
  const isKept = (i: number): boolean => columns.every(({ codes, classes }) => codes[i] < 0 || !named.includes(classes[codes[i]]));
  const keep = Array.from({ length: data.X.rows }, (_, i) => i).filter(isKept);
  removed.drop_classes = data.X.rows - keep.length;
  return takeCells(data, keep);
}

/** Repeats until every class of every task is large enough, since a dropped cell also counts for the other tasks. */
function dropRareClasses(data: Dataset, p: QualityParams, removed: Removed): Dataset {
  let kept = data;
  const columns = classTasks(p);
  for (let again = p.min_class_cells > 1; again;) {
    again = false;
    for (const name of columns) {
      const { codes, classes } = labels(kept.obs, name);
      const sizes = new Uint32Array(classes.length);
      for (const c of codes) if (c >= 0) sizes[c]++;
      const keep: number[] = [];
      for (let i = 0; i < codes.length; i++) if (codes[i] < 0 || sizes[codes[i]] >= p.min_class_cells) keep.push(i);
      if (keep.length === codes.length) continue;
      removed.min_class_cells = (removed.min_class_cells ?? 0) + codes.length - keep.length;
      kept = takeCells(kept, keep);
      again = true;
    }
  }
  return kept;
}

function dropGenes(data: Dataset, seen: boolean, p: QualityParams, removed: Removed): Dataset {
  const base = seen ? seenMatrix(data) : undefined;
  const names = data.var.index;
  const listed = new Set(p.drop_genes);
  const cells = base && geneMetrics(base).cells;
  const byClass = base && classFilters(data, base, p);
  const keep: number[] = [];
  for (let j = 0; j < names.length; j++) {
    let failed: string | undefined;
    if (p.drop_genes_prefix.some((prefix) => names[j].startsWith(prefix))) failed = 'drop_genes_prefix';
    else if (listed.has(names[j])) failed = 'drop_genes';
    else if (cells && cells[j] < p.min_cells) failed = 'min_cells';
    else if (byClass && !byClass.min[j]) failed = 'min_class_fraction';
    else if (byClass && !byClass.max[j]) failed = 'max_class_fraction';
    if (failed) removed[failed] = (removed[failed] ?? 0) + 1;
    else keep.push(j);
  }
  return keep.length === names.length ? data : takeGenes(data, keep);
}

function classFilters(data: Dataset, base: Matrix, p: QualityParams): { min: Uint8Array; max: Uint8Array } | undefined {
  if (p.min_class_fraction === undefined && p.max_class_fraction === undefined) return undefined;
  const task = p.tasks.find((t) => t.kind === 'classification');
  if (!task) {
    throw new DataError('min_class_fraction and max_class_fraction need classes, and there is no classification task', {
      mend: 'Give tasks, or leave both out.',
    });
  }
  const { codes, classes } = labels(data.obs, task.column);
  const max = p.max_class_fraction;
  return passesClasses(base, {
    codes,
    classes: classes.length,
    minFraction: p.min_class_fraction,
    maxFraction: max && { fraction: max.pct, ofClasses: max.of_classes },
  });
}

function refuseEmpty(left: number, { what, removed, before }: { what: string; removed: Removed; before: number }): void {
  if (left > 0) return;
  const worst = Object.entries(removed).sort((a, b) => b[1] - a[1]);
  const [name] = worst[0] ?? ['filters'];
  throw new DataError(
    `Quality control leaves no ${what}: of ${before}, ${worst.map(([n, k]) => `${n} removed ${k}`).join(', ') || 'none was there'}`,
    {
      context: { before, ...removed },
      mend: `${name.startsWith('max_') ? 'Raise' : name.startsWith('min_') ? 'Lower' : 'Shorten'} ${name} first.`,
    },
  );
}

function warnLosses(removed: Removed, before: number, context: StepContext): void {
  for (const [name, n] of Object.entries(removed)) {
    if (n > before / 2)
      context.log(`${name} removed ${n} of ${before} cells (${Math.round((100 * n) / before)} %); lower it if that is not meant`);
  }
}
