import { defineReader, z } from '../contract.ts';

const params = z.strictObject({
  path: z.string().min(1).describe('An .h5ad, 10x .h5, .loom, .csv or .tsv file (also .gz), or a 10x folder with matrix.mtx.'),
  layer: z.string().default('X').describe("Which matrix to read as X: X, raw, or a layer's name."),
  obs_file: z.string().optional().describe('A csv or tsv of cell annotations, joined by the cell names in its first column.'),
  genome: z.string().optional().describe('Which genome of a 10x file that holds several.'),
  orientation: z
    .enum(['auto', 'cells-by-genes', 'genes-by-cells'])
    .default('auto')
    .describe('Which way a csv or tsv lies; auto looks at the names.'),
  columns: z.array(z.string()).optional().describe('Which obs columns to keep; default all.'),
});

/** Reads a dataset of any known format. */
export default defineReader({
  id: 'file',
  version: 1,
  summary: 'Read a dataset: h5ad, 10x (h5 or mtx folder), loom, csv, tsv.',
  params,
  files: (p) => (p.obs_file === undefined ? [p.path] : [p.path, p.obs_file]),
  run: async (context, _inputs, p) => {
    const { readDataset } = await import('../../data/open.ts');
    const { joinObs, readObsFile } = await import('../../data/obs-file.ts');
    const { column } = await import('../../data/dataset.ts');
    const extra = p.obs_file === undefined ? undefined : await readObsFile(p.obs_file);
    const { path, layer, genome, orientation } = p;
    const read = await readDataset(path, {
      layer,
      genome,
      orientation,
      cellNames: extra && new Set(extra.index),
      pause: async (fraction) => {
        context.progress(fraction, 'reading');
        await context.breathe();
      },
    });
    let { data } = read;
    const facts: Record<string, string | number> = { ...read.facts };
    if (extra && p.obs_file !== undefined) {
      const joined = joinObs(data, extra, p.obs_file);
      data = joined.data;
      facts.cells_annotated = joined.matched;
      if (joined.matched < data.X.rows)
        context.log(`${data.X.rows - joined.matched} of ${data.X.rows} cells are not in ${p.obs_file}; their labels are missing`);
    }
    if (p.columns)
      data = {
        ...data,
        obs: { index: data.obs.index, columns: Object.fromEntries(p.columns.map((name) => [name, column(data.obs, name)])) },
      };
    if (read.facts.notes) context.log(read.facts.notes);
    return { data, facts };
  },
});
