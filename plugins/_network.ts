import type { Backend } from '../tensor/backend.ts';
import type { Form } from '../tensor/batches.ts';
import { column, type Dataset, denseBlock, labels, type Network, type Predictions } from './contract.ts';

/** A preset with what the user gave in its place. */
export function withPreset<T extends object>(preset: T, given: { readonly [K in keyof T]?: T[K] | undefined }): T {
  const own = Object.keys(preset).flatMap((key) => {
    const value = given[key as keyof T];
    return value === undefined ? [] : [[key, value]];
  });
  return { ...preset, ...Object.fromEntries(own) };
}

/** z-scores by the train cells; or X as it stands where the dataset was scaled before. */
export async function scaledForm(data: Dataset, train: Uint32Array, clip?: number): Promise<Form> {
  if (data.scale === 'scaled') return { kind: 'plain' };
  const { geneScale } = await import('../tensor/batches.ts');
  return { kind: 'scaled', scale: geneScale(data.X, train), ...(clip === undefined ? {} : { clip }) };
}

/** What the facts of a training say about where it ran. */
export const backendFacts = ({ name, version, device }: Backend): { readonly backend: string; readonly device: string } => ({
  backend: `${name} ${version}`,
  device,
});

/** What networks say about the cells of a dataset; `panelJudge` makes one. */
export interface Judge {
  /** Class probabilities of the cells that have a label, one entry for each head that tells classes. */
  predictions(network: Network, rows: Uint32Array): Predictions[];
  /** For the curves: accuracy (mean squared error for a number) of each task over some cells; nothing when there are no cells. */
  scores(network: Network, rows: Uint32Array): Record<string, number>;
}

/** Loads what is needed to run networks on a dataset. */
export async function panelJudge(backend: Backend, data: Dataset): Promise<Judge> {
  const [{ runNetwork }, { mostProbable }] = await Promise.all([import('../tensor/network.ts'), import('../stats/metrics.ts')]);
  const place = new Map(data.var.index.map((name, j) => [name, j]));
  const said = (network: Network, rows: Uint32Array): Float32Array[] => {
    const genes = Uint32Array.from(network.genes, (name) => place.get(name)!);
    return runNetwork(backend, network, denseBlock(data.X, rows, genes).data);
  };
  const labelled = (head: { readonly task: string }, rows: Uint32Array): { codes: Int32Array; known: number[] } => {
    const { codes } = labels(data.obs, head.task);
    return { codes, known: Array.from(rows.keys()).filter((at) => codes[rows[at]] >= 0) };
  };
  return {
    predictions: (network, rows) => {
      const outputs = said(network, rows);
      return network.heads.flatMap((head, h) => {
        if (head.kind !== 'classes') return [];
        const { known } = labelled(head, rows);
        const width = head.classes.length;
        const probabilities = new Float32Array(known.length * width);
        known.forEach((at, i) => probabilities.set(outputs[h].subarray(at * width, (at + 1) * width), i * width));
        return [{ task: head.task, classes: head.classes, rows: Uint32Array.from(known, (at) => rows[at]), probabilities }];
      });
    },
    scores: (network, rows) => {
      if (rows.length === 0) return {};
      const outputs = said(network, rows);
      const entries = network.heads.flatMap((head, h): [string, number][] => {
        if (head.kind === 'genes') return [];
        if (head.kind === 'classes') {
          const { codes, known } = labelled(head, rows);
          const found = mostProbable(outputs[h], head.classes.length);
          return [[`validation accuracy ${head.task}`, known.filter((at) => found[at] === codes[rows[at]]).length / known.length]];
        }
        const { values } = column(data.obs, head.task) as { readonly values: Float64Array };
        const errors = Array.from(rows, (row, at) => ((outputs[h][at] - values[row]) / head.sd) ** 2).filter(Number.isFinite);
        return [[`validation mse ${head.task}`, errors.reduce((a, b) => a + b, 0) / errors.length]];
      });
      return Object.fromEntries(entries);
    },
  };
}
