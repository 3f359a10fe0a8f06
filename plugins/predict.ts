import { DataError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { type Dataset, labels } from '../data/dataset.ts';
import { denseBlock, type Matrix } from '../data/matrix.ts';
import { mostProbable } from '../stats/metrics.ts';
import type { Network } from './contract.ts';

/** What a network says about the cells of a file. */
export interface Said {
  readonly data: Dataset;
  /** One entry for each head, row-major: class probabilities, values, or expression on the scale that the network was trained on. */
  readonly outputs: readonly Float32Array[];
  /** The panel's genes as the network saw them in X, cells x genes. */
  readonly panel: Float32Array;
  /** For people: what was done to the values first. */
  readonly notes: readonly string[];
}

/** Runs a trained network on the cells of a dataset file. Genes are found by name; counts are prepared as they were for training. */
export async function predictCells(network: Network, path: string, log: (line: string) => void): Promise<Said> {
  const [{ readDataset }, { loadBackend }, { runNetwork }] = await Promise.all([
    import('../data/open.ts'),
    import('../tensor/backend.ts'),
    import('../tensor/network.ts'),
  ]);
  const { data } = await readDataset(path);
  const genes = placesOf(network, data, path);
  const { X, notes } = await prepared(network, data, path);
  const rows = Uint32Array.from({ length: X.rows }, (_, i) => i);
  const backend = await loadBackend(log);
  const panel = denseBlock(X, rows, genes).data;
  return { data, panel, outputs: runNetwork(backend, network, panel), notes };
}

function placesOf(network: Network, data: Dataset, path: string): Uint32Array {
  const place = new Map(data.var.index.map((name, j) => [name, j]));
  const missing = network.genes.filter((name) => !place.has(name));
  if (missing.length === 0) return Uint32Array.from(network.genes, (name) => place.get(name)!);
  const near = nearest(missing[0], data.var.index);
  throw new DataError(
    `The file lacks ${missing.length} of the ${network.genes.length} genes that the model reads: ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ', …' : ''}`,
    {
      context: { file: path, gene: missing[0] },
      mend: `${near ? `Is "${near}" the same as "${missing[0]}"? ` : ''}The model needs all genes of its panel, under the names they had in training.`,
    },
  );
}

/** Values as the network knows them. */
async function prepared(network: Network, data: Dataset, path: string): Promise<{ X: Matrix; notes: string[] }> {
  const wanted = network.preparation ?? { scale: data.scale, target_sum: null, log1p: false };
  if (network.input.kind === 'binary' && data.scale !== 'scaled') return { X: data.X, notes: [] };
  if (data.scale === wanted.scale) return { X: data.X, notes: [] };
  if (data.scale === 'counts' && wanted.scale === 'log') {
    const { normalizeCounts } = await import('../stats/normalize.ts');
    const total = wanted.target_sum;
    const X = normalizeCounts(data.X, { ...(total === null ? {} : { target: total }), log1p: wanted.log1p });
    const totals = total === null ? '' : `each cell brought to a total of ${Math.round(total)} over the ${data.X.cols} genes of the file, `;
    return { X, notes: [`X holds counts: ${totals}then ln(1 + x), as in training`] };
  }
  throw new DataError(`The model was trained on ${wanted.scale} values, and X holds ${data.scale} values`, {
    context: { file: path, scale: data.scale },
    mend:
      wanted.scale === 'log'
        ? 'Give raw counts, or log-normalised values.'
        : `Prepare the file as the training data were (${wanted.scale}).`,
  });
}

/** One column of a table of predictions. */
export interface PredictionColumn {
  readonly name: string;
  readonly values: readonly (string | number)[];
}

/** Columns for each task (class and its probability, or value), and how well they agree with columns of that name in the file. */
export function predictionColumns(
  network: Network,
  { data, outputs }: Said,
  probabilities: boolean,
): { columns: PredictionColumn[]; checks: Record<string, number> } {
  const columns: PredictionColumn[] = [];
  const checks: Record<string, number> = {};
  network.heads.forEach((head, h) => {
    if (head.kind === 'genes') return;
    const said = outputs[h];
    const known = data.obs.columns[head.task];
    if (head.kind === 'value') {
      columns.push({ name: head.task, values: [...said] });
      if (known?.kind !== 'number') return;
      const errors = Array.from(known.values, (v, i) => Math.abs(v - said[i])).filter(Number.isFinite);
      if (errors.length > 0) checks[`mean absolute error of ${head.task}`] = errors.reduce((a, b) => a + b, 0) / errors.length;
      return;
    }
    const width = head.classes.length;
    const best = mostProbable(said, width);
    columns.push({ name: head.task, values: Array.from(best, (c) => head.classes[c]) });
    columns.push({ name: `${head.task}_probability`, values: Array.from(best, (c, i) => Number(said[i * width + c].toFixed(4))) });
    if (probabilities)
      head.classes.forEach((name, c) =>
        columns.push({ name: `${head.task}=${name}`, values: Array.from(best, (_, i) => Number(said[i * width + c].toFixed(6))) }),
      );
    if (known === undefined) return;
    const { codes, classes } = labels(data.obs, head.task);
    const there = Array.from(codes.keys()).filter((i) => codes[i] >= 0);
    if (there.length > 0)
      checks[`accuracy of ${head.task}`] = there.filter((i) => classes[codes[i]] === head.classes[best[i]]).length / there.length;
  });
  return { columns, checks };
}

/** The cells with the network's expression of every gene as X (the panel's own values where it reconstructs none), predictions in obs. */
export function reconstruction(network: Network, { data, outputs, panel }: Said, columns: readonly PredictionColumn[]): Dataset {
  const at = network.heads.findIndex((head) => head.kind === 'genes');
  const head = network.heads[at];
  const rows = data.obs.index.length;
  const genes = head?.kind === 'genes' ? head.genes : network.genes;
  const X = head
    ? ({ kind: 'dense', rows, cols: genes.length, data: outputs[at] } as const)
    : ({ kind: 'dense', rows, cols: genes.length, data: panel } as const);
  const own = Object.fromEntries(
    columns.map(({ name, values }) => [
      `predicted_${name}`,
      typeof values[0] === 'number'
        ? ({ kind: 'number', values: Float64Array.from(values as number[]) } as const)
        : ({ kind: 'string', values: values as string[] } as const),
    ]),
  );
  return {
    X,
    scale: 'unknown',
    layers: {},
    obs: { index: data.obs.index, columns: { ...data.obs.columns, ...own } },
    var: { index: genes, columns: {} },
    obsm: data.obsm,
    uns: { model: network.method },
  };
}
