import type { Case } from './_compare.ts';

/** What both sides train: the network, its batches, and how long. */
export interface Spec {
  readonly method: 'yoto' | 'markermap' | 'global-gumbel' | 'concrete-vae' | 'persist' | 'lassonet' | 'soft-top-k';
  /** Of methods that train in two stages. */
  readonly stage?: 'eliminate' | 'select' | 'dense' | 'path';
  readonly k: number;
  /** Cells of a batch; 0 for all. */
  readonly batch: number;
  readonly dropLast?: boolean;
  readonly form: 'scaled' | 'binary';
  readonly epochs: number;
  /** Batches of an epoch that are trained; all when not given. */
  readonly limit?: number;
  /** Look at tensors and memory half-way and at the end. */
  readonly watch?: boolean;
  /** Of the whole annealing, where there is one. */
  readonly steps: number;
  readonly hidden?: number;
  /** Weight of the reconstruction. */
  readonly alpha?: number;
  /** Temperature, where it stands still. */
  readonly t?: number;
  readonly rate?: number;
  /** Of LassoNet's path. */
  readonly penalty?: number;
  /** Masks drawn for a batch; one a cell when not given. */
  readonly draws?: number;
  /** The reference takes NeuralSort's whole matrix, genes x genes. */
  readonly naive?: boolean;
}

/** One row of the table. */
export interface Pair {
  readonly method: string;
  readonly case: Case;
  readonly spec: Spec;
}

const cells = (rows: number, genes: number, classes = 7): Case => ({
  name: `${rows.toLocaleString('en-US')} x ${genes.toLocaleString('en-US')}`,
  rows,
  genes,
  classes,
  testRows: 0,
});

const zeisel = cells(3005, 4000);

/** Steps of a training, as `cut` makes the batches. */
const stepsOf = ({ rows }: Case, { batch, epochs, dropLast }: Pick<Spec, 'batch' | 'epochs' | 'dropLast'>): number =>
  epochs * (batch === 0 ? 1 : dropLast ? Math.floor(rows / batch) : Math.ceil(rows / batch));

function pair(method: string, on: Case, given: Omit<Spec, 'steps'>): Pair {
  return { method, case: on, spec: { ...given, steps: stepsOf(on, given) } };
}

export const yoto = (on: Case, k: number, extra: Partial<Spec> = {}): Pair =>
  pair(`yoto, k ${k}`, on, { method: 'yoto', k, batch: 128, form: 'scaled', epochs: 10, ...extra });

const VAE = { batch: 64, k: 50, form: 'scaled', epochs: 3, hidden: 256, rate: 1e-4 } as const;
const PERSIST = { method: 'persist', batch: 64, k: 50, form: 'binary', dropLast: true, epochs: 3 } as const;

export const markermap = (on: Case, alpha: number, extra: Partial<Spec> = {}): Pair =>
  pair(`markermap, alpha ${alpha}`, on, { ...VAE, method: 'markermap', alpha, t: 1, ...extra });

/** The pairs of the comparison. */
export const PAIRS: readonly Pair[] = [
  ...[2000, 4000, 10_000].map((genes) => yoto(cells(3005, genes), 64)),
  markermap(zeisel, 0),
  markermap(zeisel, 1),
  pair('global-gumbel', zeisel, { ...VAE, method: 'global-gumbel', alpha: 1, t: 1, rate: 1e-3 }),
  pair('concrete-vae', zeisel, { ...VAE, method: 'concrete-vae', alpha: 1, t: 1, rate: 1e-3 }),
  pair('persist, eliminate', zeisel, { ...PERSIST, stage: 'eliminate' }),
  pair('persist, select of 500', cells(3005, 500), { ...PERSIST, stage: 'select' }),
  pair('lassonet, dense', cells(2104, 4000), { method: 'lassonet', stage: 'dense', batch: 0, k: 50, form: 'scaled', epochs: 20 }),
  pair('lassonet, path', cells(2104, 4000), { method: 'lassonet', stage: 'path', penalty: 1, batch: 0, k: 50, form: 'scaled', epochs: 20 }),
];

const masks = (genes: number, isNaive: boolean): Pair => ({
  method: `relaxed top-k alone, k 64, against ${isNaive ? 'genes x genes' : 'k x genes'}`,
  case: cells(8, genes),
  spec: { method: 'soft-top-k', k: 64, t: 0.1, batch: 8, form: 'scaled', epochs: isNaive ? 4 : 100, steps: 100, naive: isNaive },
});

/** NeuralSort as published, genes x genes: in a training, and alone (value and gradient). */
export const NAIVE: readonly Pair[] = [
  ...[2000, 4000].map((genes) => ({
    ...yoto(cells(3005, genes), 64, { epochs: 1, limit: 8, naive: true }),
    method: 'yoto, k 64, against genes x genes',
  })),
  ...[2000, 4000, 10_000].flatMap((genes) => [masks(genes, true), masks(genes, false)]),
];

/** How a step of yoto grows: cells, genes, genes chosen. */
export const GROWTH: readonly (Pair & { readonly axis: string })[] = [
  ...[1500, 6000, 24_000].map((rows) => ({ axis: 'cells', ...yoto(cells(rows, 2000), 64, { epochs: 4 }) })),
  ...[1000, 4000, 16_000].map((genes) => ({ axis: 'genes', ...yoto(cells(3000, genes), 64, { epochs: 4 }) })),
  ...[16, 64, 256].map((k) => ({ axis: 'k', ...yoto(cells(3000, 4000), k, { epochs: 4 }) })),
];

/** The size of the largest set of the papers (VISp), for memory. */
export const LARGE: readonly Pair[] = [
  yoto(cells(22_160, 10_000, 98), 64, { epochs: 1 }),
  markermap(cells(22_160, 10_000, 98), 0, { epochs: 1, limit: 60 }),
  markermap(cells(22_160, 10_000, 98), 1, { epochs: 1, limit: 60 }),
];

/** Networks that are trained for 2,000 steps to see whether anything grows over the last 1,000. */
export const LONG: readonly Pair[] = PAIRS.filter(({ case: on, spec }) => spec.method !== 'yoto' || on.genes === 4000).map(
  ({ case: on, spec, method }) => {
    const small = cells(Math.min(on.rows, 640), Math.min(on.genes, 500));
    const perEpoch = stepsOf(small, { ...spec, epochs: 1 });
    return { method, case: small, spec: { ...spec, epochs: Math.ceil(2000 / perEpoch), steps: 2000, watch: true } };
  },
);
