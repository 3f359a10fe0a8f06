import type { CscMatrix } from '../data/matrix.ts';
import { orderDescending } from './ranks.ts';
import { type RankGroups, rankSums } from './rank-sums.ts';

/**
 * RankCorr (Vargo and Gilbert 2020, doi:10.1186/s12859-020-03641-z): per group and gene, n times the covariance of the gene's ranks,
 * centred and divided by their deviation, with +1 for cells of the class and -1 for the others (group-major, groups x genes). For weights:
 * with the weights, standardised. Constant genes get 0.
 */
export async function rankCorrelations(
  matrix: CscMatrix,
  groups: RankGroups,
  onGene?: (done: number) => void | Promise<void>,
): Promise<Float64Array> {
  const { rows: n, cols } = matrix;
  const { sums, ties } = await rankSums(matrix, groups, onGene);
  const mean = (n + 1) / 2;
  const total = new Float64Array(sums.length / cols);
  if ('codes' in groups) for (const c of groups.codes) total[c]++;
  else total[0] = groups.weights.reduce((a, b) => a + b, 0);
  for (let j = 0; j < cols; j++) {
    const sd = Math.sqrt((n * n - 1) / 12 - ties[j] / (12 * n));
    for (let g = 0; g < total.length; g++) {
      const centred = sums[g * cols + j] - total[g] * mean;
      sums[g * cols + j] = sd > 1e-9 ? (('codes' in groups ? 2 : 1) * centred) / sd : 0;
    }
  }
  return sums;
}

/** The genes of one group from the strongest down, and the sparsity s at which one more of them is taken. */
interface Path {
  readonly order: Uint32Array;
  readonly strength: Float64Array;
  /** steps[r]: up to this s, only genes stronger than the r-th are kept. */
  readonly steps: Float64Array;
}

/** Genes kept at threshold r have, after soft-thresholding by the r-th strength and scaling to unit length, an l1 norm; its square is s. */
function pathOf(values: Float64Array): Path {
  const strength = values.map(Math.abs);
  const order = orderDescending(strength);
  const steps = new Float64Array(order.length);
  let [sum, square, most] = [0, 0, 0];
  for (let r = 0; r < order.length; r++) {
    const t = strength[order[r]];
    const length = Math.sqrt(Math.max(0, square - 2 * t * sum + r * t * t));
    if (t < strength[order[0]] && length > 0) most = Math.max(most, ((sum - r * t) / length) ** 2);
    steps[r] = most;
    sum += t;
    square += t * t;
  }
  return { order, strength, steps };
}

/** How many genes of a path are kept at sparsity s: those stronger than the first threshold whose l1 norm exceeds sqrt(s); null when none does. */
function keptAt({ order, strength, steps }: Path, s: number): number | null {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle] > s) high = middle;
    else low = middle + 1;
  }
  if (low === steps.length) return null;
  let kept = low;
  while (kept > 0 && strength[order[kept - 1]] <= strength[order[low]]) kept--;
  return kept;
}

/** What RankCorr picks. */
export interface RankCorrPanel {
  /** All genes that some group keeps, strongest first (ties: lower index), then the others likewise. */
  readonly genes: Uint32Array;
  /** Per gene of the matrix: its largest absolute value over the groups. */
  readonly strength: Float64Array;
  /** The sparsity used. */
  readonly s: number;
  /** How many genes the groups keep at it. */
  readonly kept: number;
}

/** The union over groups at sparsity s, each as in the paper's select step; null when some group has no threshold for so large an s. */
export function unionAt(correlations: Float64Array, genes: number, s: number): Uint32Array | null {
  const paths = pathsOf(correlations, genes);
  const union = collect(paths, genes, s);
  return union && Uint32Array.from(union.keys()).filter((j) => union[j] === 1);
}

const pathsOf = (correlations: Float64Array, genes: number): Path[] =>
  Array.from({ length: correlations.length / genes }, (_, g) => pathOf(correlations.subarray(g * genes, (g + 1) * genes)));

function collect(paths: readonly Path[], genes: number, s: number): Uint8Array | null {
  const union = new Uint8Array(genes);
  for (const path of paths) {
    const kept = keptAt(path, s);
    if (kept === null) return null;
    for (let r = 0; r < kept; r++) union[path.order[r]] = 1;
  }
  return union;
}

const sizeOf = (union: Uint8Array): number => union.reduce((a, b) => a + b, 0);

/**
 * The panel of k genes: the smallest sparsity at which the groups together keep at least k, found by bisection over the finitely many
 * values where something changes. Where even the largest keeps fewer, the strongest of the others follow.
 */
export function rankCorrPanel(correlations: Float64Array, genes: number, k: number): RankCorrPanel {
  const paths = pathsOf(correlations, genes);
  const breaks = Float64Array.from(new Set(paths.flatMap((path) => [...path.steps]))).sort();
  let low = 0;
  let high = breaks.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const union = collect(paths, genes, breaks[middle]);
    if (union === null || sizeOf(union) >= k) high = middle;
    else low = middle + 1;
  }
  let union = collect(paths, genes, breaks[high] ?? 0);
  if (union === null && high > 0) union = collect(paths, genes, breaks[--high]);
  const kept = union ?? new Uint8Array(genes);
  const strength = new Float64Array(genes);
  for (let at = 0; at < correlations.length; at++) strength[at % genes] = Math.max(strength[at % genes], Math.abs(correlations[at]));
  const order = Uint32Array.from(strength.keys()).sort((a, b) => kept[b] - kept[a] || strength[b] - strength[a] || a - b);
  return { genes: order, strength, s: breaks[high] ?? 0, kept: sizeOf(kept) };
}

/** The order in which a CPython set lists whole numbers, but for collisions: by their remainder after division by the size of its table. */
export function hashOrder(numbers: Uint32Array): Uint32Array {
  let size = 8;
  while (size <= 2 * numbers.length) size *= 2;
  return numbers.slice().sort((a, b) => (a % size) - (b % size) || a - b);
}
