import { stat, writeFile } from 'node:fs/promises';
import { ConfigError } from '../../core/errors.ts';
import { say } from '../print.ts';

const TEMPLATE = (data: string, tasks: readonly string[]): string => `# Which genes tell the cells apart? Run with: panelflow run FILE
pipeline: benchmark
params:
  data: ${data}   # a file (.h5ad, 10x folder or .h5, .csv, .loom), or a known dataset's name
  tasks: [${tasks.join(', ')}]     # obs columns to predict; more than one = multi-task
  seeds: [0, 1, 2]
  k: [16, 32]
  selectors: [random, hvg-seurat, wilcoxon, { uses: yoto, with: { epochs: 30 } }]
  evaluators: [forest, knn]
`;

/** `panelflow init [FILE]` */
export async function init(
  file = 'benchmark.yaml',
  flags: { readonly data?: string; readonly tasks?: string[]; readonly force?: boolean },
): Promise<number> {
  if (!flags.force && (await stat(file).catch(() => null)))
    throw new ConfigError(`${file} is there already`, { mend: 'Give another name, or --force to write over it.' });
  await writeFile(file, TEMPLATE(flags.data ?? 'simulated', flags.tasks ?? ['cell_type']));
  say(`Wrote ${file}. Next: panelflow plan ${file}; panelflow run ${file}`);
  return 0;
}
