import { readFile, writeFile } from 'node:fs/promises';
import { csvCell } from '../../core/csv.ts';
import { ConfigError } from '../../core/errors.ts';
import { decode } from '../../data/portable.ts';
import type { Network } from '../../tensor/network.ts';
import { dim, say } from '../print.ts';

interface Flags {
  readonly out: string;
  readonly probabilities?: boolean;
  readonly json?: boolean;
}

/** `panelflow predict MODEL CELLS`: what a trained network says about new cells, as a table or an h5ad. */
export async function predict(model: string, cells: string, { out, probabilities = false, json = false }: Flags): Promise<number> {
  const { predictCells, predictionColumns, reconstruction } = await import('../../plugins/predict.ts');
  const network = await readModel(model);
  const said = await predictCells(network, cells, say);
  for (const note of said.notes) say(dim(note));
  const { columns, checks } = predictionColumns(network, said, probabilities);
  const { index } = said.data.obs;
  if (out.toLowerCase().endsWith('.h5ad')) {
    const { writeH5ad } = await import('../../data/h5ad-write.ts');
    await writeH5ad(out, reconstruction(network, said, columns));
  } else {
    const lines = index.map((cell, i) => [cell, ...columns.map(({ values }) => String(values[i]))].map(csvCell).join(','));
    await writeFile(out, `${[['cell', ...columns.map(({ name }) => name)].map(csvCell).join(','), ...lines].join('\n')}\n`);
  }
  if (json)
    process.stdout.write(`${JSON.stringify({ out, cells: index.length, method: network.method, genes: network.genes.length, checks })}\n`);
  else {
    say(`${index.length} cells, ${network.genes.length} genes, by ${network.method}`);
    for (const [name, value] of Object.entries(checks)) say(`${name} ${value.toFixed(4)}`);
    process.stdout.write(`${out}\n`);
  }
  return 0;
}

async function readModel(path: string): Promise<Network> {
  const mend = 'Give a file out of the folder models of a results folder; networks are kept there for selectors that train one.';
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`The model cannot be read: ${error.code ?? error.message}`, { context: { file: path }, mend });
  });
  const value = ((): unknown => {
    try {
      return decode(bytes);
    } catch {
      return undefined;
    }
  })();
  if (Array.isArray((value as { heads?: unknown } | undefined)?.heads)) return value as Network;
  throw new ConfigError('The file is not a model', { context: { file: path }, mend });
}
