import type { CscMatrix } from '../data/matrix.ts';
import type { LabelledColumns } from './class-cells.ts';
import { wilcoxon } from './differential.ts';
import { loadingSums, pca } from './pca.ts';
import { orderDescending } from './ranks.ts';
import { type ClassForestOptions, type ClassForests, type ClassTree, ForestGrower } from './spapros-forest.ts';

/** Settings of Spapros; the paper's names and defaults stand in plugins/selectors/spapros.ts. */
export interface SpaprosOptions extends ClassForestOptions {
  readonly components: number;
  readonly pcaGenes: number;
  /** Genes of the first test, for each class. */
  readonly deGenes: number;
  /** Rounds that add a gene against the classes that a tree takes for its own. */
  readonly deRounds: number;
  /** Such a class: kept out by less than this, or by less than the mean over classes minus both of the others. */
  readonly minSpecificity: number;
  readonly outlierSds: number;
  readonly outlierGap: number;
  /** Rounds that add genes where trees on PCA genes are worse, by more than `f1Gap`, than those on DE genes; genes added in each. */
  readonly rounds: number;
  readonly genesPerRound: number;
  readonly f1Gap: number;
  /** Markers that each class needs. */
  readonly minMarkers: number;
}

/** Genes in Spapros's order, and what led to it. */
export interface SpaprosRanking {
  /** All columns, best first. */
  readonly genes: Uint32Array;
  /** In the order of `genes`: the largest share in the gain of the best trees that split by the gene; NaN for a gene in no tree. */
  readonly scores: Float64Array;
  /** Genes in the best tree of some class: the smallest panel that the paper advises. */
  readonly inBestTrees: number;
  /** Genes that the tests found, and those of them that the trees on PCA genes were given. */
  readonly tested: number;
  readonly added: number;
  /** Mean over classes of the F1 of the best tree. */
  readonly f1: number;
}

/** Told of progress in [0, 1]; it may throw to stop. */
export type OnProgress = (fraction: number, note: string) => void | Promise<void>;

/**
 * Spapros (Kuemmerle et al. 2024, doi:10.1038/s41592-024-02496-z): trees on the genes with the largest PCA loadings, given genes of
 * differential expression until they tell the classes apart as well as trees on such genes alone do. Genes by: in the best tree of a
 * class; else needed as a marker of a class; else the rest. Inside each group by place as a marker, then by the trees: place of the best
 * tree that splits by them, share in its gain, PCA loadings, column. The markers of a class are its tested genes in that last order, the
 * first `minMarkers` of which it needs. Every class needs a cell; constant genes are fine.
 */
export async function spapros(input: LabelledColumns, options: SpaprosOptions, onProgress: OnProgress = () => {}): Promise<SpaprosRanking> {
  const { matrix, codes, classCount } = input;
  const { components, pcaGenes, trees } = options;
  const found = await pca(matrix, { components, onStep: (step) => onProgress(0, `PCA, step ${step}`) });
  const loadings = loadingSums(found, matrix.cols);
  const markers = await bestOfClasses(input, options, () => onProgress(0.05, 'genes of each class'));
  const grower = new ForestGrower(matrix, codes, classCount, options);
  const forestsAtMost = 2 + options.deRounds + options.rounds;
  let grown = 0;
  const grow = (genes: ReadonlySet<number>): Promise<ClassForests> =>
    grower.grow([...genes], () => {
      const done = ++grown / (trees * classCount);
      return onProgress(0.05 + (0.95 * done) / forestsAtMost, `forest ${Math.ceil(done)} of at most ${forestsAtMost}`);
    });

  const tested = new Set(markers.flat());
  let baseline = await grow(tested);
  for (let round = 0; round < options.deRounds; round++) {
    const before = tested.size;
    for (const [c, [best]] of baseline.entries()) {
      const outliers = mistaken(best, c, options);
      if (outliers.length === 0) continue;
      const gene = await bestAgainst(input, { own: c, others: outliers, known: tested }, () => onProgress(0.1, 'genes of similar classes'));
      if (gene < 0) continue;
      markers[c].push(gene);
      tested.add(gene);
    }
    if (tested.size === before) break;
    baseline = await grow(tested);
  }

  const genes = new Set(orderDescending(loadings).subarray(0, pcaGenes));
  let forests = await grow(genes);
  const start = genes.size;
  for (let round = 0; round < options.rounds; round++) {
    const helpful = missing(baseline, forests, genes, options);
    if (helpful.length === 0) break;
    for (const gene of helpful) genes.add(gene);
    forests = await grow(genes);
  }
  const table = ranked(forests, markers, loadings, options.minMarkers);
  const f1 = forests.reduce((sum, [best]) => sum + best.f1 / classCount, 0);
  return { ...table, tested: tested.size, added: genes.size - start, f1 };
}

/** Per class: the genes of highest positive z against the rest, best first (Wilcoxon, ties to the lower column). */
async function bestOfClasses(input: LabelledColumns, { deGenes }: SpaprosOptions, onGene: () => void | Promise<void>): Promise<number[][]> {
  const { geneCount, scores } = await wilcoxon(input, { onGene });
  return Array.from({ length: input.classCount }, (_, c) => {
    const own = scores.subarray(c * geneCount, (c + 1) * geneCount);
    return [...orderDescending(own).subarray(0, deGenes)].filter((j) => own[j] > 0);
  });
}

/** The classes that a tree takes for its own too often. */
function mistaken({ kept }: ClassTree, own: number, { minSpecificity, outlierSds, outlierGap }: SpaprosOptions): number[] {
  const others = [...kept.keys()].filter((c) => c !== own);
  const mean = others.reduce((sum, c) => sum + kept[c], 0) / others.length;
  const sd = Math.sqrt(others.reduce((sum, c) => sum + (kept[c] - mean) ** 2, 0) / Math.max(1, others.length - 1));
  return others.filter((c) => kept[c] < minSpecificity || kept[c] < mean - Math.max(outlierSds * sd, outlierGap));
}

/** The gene, not known yet, of highest positive z in one class against some others only; -1 when there is none. */
async function bestAgainst(
  { matrix, codes }: LabelledColumns,
  { own, others, known }: { own: number; others: readonly number[]; known: ReadonlySet<number> },
  onGene: () => void | Promise<void>,
): Promise<number> {
  const side = codes.map((c) => (c === own ? 0 : others.includes(c) ? 1 : -1));
  const part = { matrix: someCells(matrix, side), codes: side.filter((s) => s >= 0), classCount: 2 };
  const { scores } = await wilcoxon(part, { onGene });
  let best = -1;
  for (let j = 0; j < matrix.cols; j++) if (!known.has(j) && scores[j] > (best < 0 ? 0 : scores[best])) best = j;
  return best;
}

/** Copies the cells whose side is not -1. */
function someCells({ rows, cols, indptr, indices, data }: CscMatrix, side: Int32Array): CscMatrix {
  const place = new Int32Array(rows).fill(-1);
  let n = 0;
  for (let i = 0; i < rows; i++) if (side[i] >= 0) place[i] = n++;
  const size = indices.reduce((sum, i) => sum + Number(place[i] >= 0), 0);
  const part = { indptr: new Uint32Array(cols + 1), indices: new Uint32Array(size), data: new Float32Array(size) };
  let at = 0;
  for (let j = 0; j < cols; j++) {
    for (let p = indptr[j]; p < indptr[j + 1]; p++) {
      if (place[indices[p]] < 0) continue;
      part.indices[at] = place[indices[p]];
      part.data[at++] = data[p];
    }
    part.indptr[j + 1] = at;
  }
  return { kind: 'csc', rows: n, cols, ...part };
}

/**
 * Of each class whose best tree is worse than the baseline's: the baseline's most important gene that it has not yet. The genes of the
 * highest importance, summed over these classes, come out.
 */
function missing(
  baseline: ClassForests,
  forests: ClassForests,
  genes: ReadonlySet<number>,
  { f1Gap, genesPerRound }: SpaprosOptions,
): number[] {
  const importance = new Map<number, number>();
  for (const [c, [best]] of baseline.entries()) {
    if (best.f1 - forests[c][0].f1 <= f1Gap) continue;
    const absent = [...best.genes.keys()].filter((q) => !genes.has(best.genes[q]));
    if (absent.length === 0) continue;
    const q = absent.reduce((a, b) => (best.shares[b] > best.shares[a] ? b : a));
    importance.set(best.genes[q], (importance.get(best.genes[q]) ?? 0) + best.shares[q]);
  }
  const order = [...importance].sort(([a, x], [b, y]) => y - x || a - b);
  return order.slice(0, genesPerRound).map(([gene]) => gene);
}

const NONE = 2 ** 31;

/** All genes in the order that `spapros` tells. */
function ranked(
  forests: ClassForests,
  markers: readonly (readonly number[])[],
  loadings: Float64Array,
  minMarkers: number,
): Pick<SpaprosRanking, 'genes' | 'scores' | 'inBestTrees'> {
  const { length } = loadings;
  const treeRank = new Float64Array(length).fill(NONE);
  const importance = new Float64Array(length).fill(Number.NaN);
  for (const trees of forests) {
    for (const [rank, { genes, shares }] of trees.entries()) {
      genes.forEach((j, q) => {
        if (rank > treeRank[j]) return;
        importance[j] = rank < treeRank[j] ? shares[q] : Math.max(importance[j], shares[q]);
        treeRank[j] = rank;
      });
    }
  }
  const share = (j: number): number => (treeRank[j] < NONE ? importance[j] : 0);
  const byTrees = (a: number, b: number): number => treeRank[a] - treeRank[b] || share(b) - share(a) || loadings[b] - loadings[a] || a - b;
  const markerRank = markerRanks(
    markers.map((own) => own.toSorted(byTrees).slice(0, minMarkers)),
    length,
  );
  const group = (j: number): number => (treeRank[j] === 0 ? 1 : markerRank[j] < NONE ? 2 : 3);
  const genes = Uint32Array.from({ length }, (_, j) => j).sort(
    (a, b) => group(a) - group(b) || markerRank[a] - markerRank[b] || byTrees(a, b),
  );
  const inBestTrees = treeRank.reduce((sum, rank) => sum + Number(rank === 0), 0);
  return { genes, scores: Float64Array.from(genes, (j) => importance[j]), inBestTrees };
}

/** Place of each gene among the markers that a class needs, from 1: the best over classes. */
function markerRanks(needed: readonly (readonly number[])[], genes: number): Float64Array {
  const ranks = new Float64Array(genes).fill(NONE);
  for (const own of needed) for (const [at, gene] of own.entries()) ranks[gene] = Math.min(ranks[gene], at + 1);
  return ranks;
}
