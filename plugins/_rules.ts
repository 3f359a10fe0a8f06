import { nearest } from '../core/nearest.ts';
import { column, type Dataset, labels, takeGenes } from '../data/dataset.ts';
import { forEachNonZero } from '../data/matrix.ts';
import { Random } from '../stats/random.ts';
import { DataError, type Panel, type PanelRules, type Split } from './contract.ts';

/** What a selector may choose from, and what it must take. */
export interface Candidates {
  readonly data: Dataset;
  /** For each gene of `data`, its column number in the whole dataset. */
  readonly columns: Uint32Array;
  /** Column numbers in the whole dataset, in the order of the list. */
  readonly must: Uint32Array;
}

/** The genes that the rules leave, as a dataset of their own where they take some away. */
export function candidatesOf(data: Dataset, split: Split, rules: PanelRules): Candidates {
  const names = data.var.index;
  const at = new Map(names.map((name, j) => [name, j]));
  const must = Uint32Array.from(rules.must_include, (name) => numberOf(name, at));
  const mustHave = new Set(must);
  const excluded = new Set(rules.exclude);
  for (const name of rules.must_include) {
    if (!excluded.has(name)) continue;
    throw new DataError(`The gene "${name}" stands in both panel.must_include and panel.exclude`, {
      context: { gene: name },
      mend: 'Take it out of one of the lists.',
    });
  }
  const means = rules.max_mean === null && rules.min_mean === null ? null : meansOf(data, split);
  const isAllowed = (name: string, j: number): boolean =>
    mustHave.has(j) ||
    (!excluded.has(name) &&
      !rules.exclude_prefix.some((prefix) => name.startsWith(prefix)) &&
      (means === null || (means[j] <= (rules.max_mean ?? Infinity) && means[j] >= (rules.min_mean ?? 0))));
  const columns = Uint32Array.from(names.keys()).filter((j) => isAllowed(names[j], j));
  return { data: columns.length === names.length ? data : takeGenes(data, columns), columns, must };
}

function numberOf(name: string, at: ReadonlyMap<string, number>): number {
  const found = at.get(name);
  if (found !== undefined) return found;
  const near = nearest(name, at.keys());
  throw new DataError(`There is no gene "${name}" among the ${at.size} genes to choose from`, {
    context: { gene: name },
    mend: `${near === undefined ? `Genes there are named like ${[...at.keys()].slice(0, 3).join(', ')}. ` : `Did you mean "${near}"? `}Genes that qc or hvg drop cannot be in panel.must_include.`,
  });
}

/** Mean of each gene over the learning cells: raw counts where there are any, else the values of X. */
function meansOf(data: Dataset, split: Split): Float64Array {
  const matrix = data.layers.counts ?? data.X;
  const learning = new Uint8Array(matrix.rows);
  for (const i of split.train) learning[i] = 1;
  for (const i of split.validation) learning[i] = 1;
  const sums = new Float64Array(matrix.cols);
  forEachNonZero(matrix, (i, j, x) => {
    if (learning[i]) sums[j] += x;
  });
  return sums.map((sum) => sum / (split.train.length + split.validation.length));
}

/** The panel in the whole dataset's column numbers, with the genes that it must have in front. */
export function withMust(panel: Panel, { data, columns, must }: Candidates, whole: Dataset, k: number | undefined): Panel {
  if (must.length === 0 && data === whole) return panel;
  const first = new Set(must);
  const scoreOf = new Map(Array.from(panel.genes, (j, at) => [columns[j], panel.scores[at]]));
  const rest = Array.from(panel.genes, (j) => columns[j]).filter((j) => !first.has(j));
  const genes = Uint32Array.from([...must, ...rest].slice(0, k));
  const { predictions, ...others } = panel;
  return {
    ...others,
    // A selector's own classifier has not seen genes that were put in front.
    ...(predictions !== undefined && must.length === 0 ? { predictions } : {}),
    genes,
    names: Array.from(genes, (j) => whole.var.index[j]),
    scores: Float64Array.from(genes, (j) => scoreOf.get(j) ?? Number.NaN),
  };
}

/** The split with at most so many learning cells of each class, drawn by lot of their names; cells without a class stay. */
export function balanced(data: Dataset, split: Split, rule: NonNullable<PanelRules['balance']>): Split {
  column(data.obs, rule.column);
  const { codes, classes } = labels(data.obs, rule.column);
  const groups: number[][] = classes.map(() => []);
  for (const i of [...split.train, ...split.validation]) if (codes[i] >= 0) groups[codes[i]].push(i);
  const dropped = new Set<number>();
  for (const group of groups) {
    const lots = new Map(group.map((i) => [i, Random.of(0, 'balance', data.obs.index[i]).uniform()]));
    for (const i of group.sort((a, b) => lots.get(a)! - lots.get(b)! || a - b).slice(rule.cells_per_class)) dropped.add(i);
  }
  const kept = (part: Uint32Array): Uint32Array => part.filter((i) => !dropped.has(i));
  return { train: kept(split.train), validation: kept(split.validation), test: split.test };
}

/** Rankings for several tasks merged into one panel for all of them: the tasks take turns, genes already taken are skipped. */
export function shared(panels: readonly Panel[], k: number | undefined): Panel {
  const genes: number[] = [];
  const names: string[] = [];
  const scores: number[] = [];
  const taken = new Set<number>();
  const longest = Math.max(...panels.map((p) => p.genes.length));
  for (let r = 0; r < longest; r++) {
    for (const panel of panels) {
      const gene = panel.genes[r];
      if (gene === undefined || taken.has(gene)) continue;
      taken.add(gene);
      genes.push(gene);
      names.push(panel.names[r]);
      scores.push(panel.scores[r]);
    }
  }
  return {
    genes: Uint32Array.from(genes.slice(0, k)),
    names: names.slice(0, k),
    scores: Float64Array.from(scores.slice(0, k)),
    task: null,
  };
}
