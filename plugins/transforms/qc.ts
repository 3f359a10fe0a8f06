import { defineTransform, Task, z } from '../contract.ts';

const share = z.number().min(0).max(1);

const params = z.strictObject({
  min_genes: z
    .int()
    .min(0)
    .optional()
    .describe(
      'Drop cells with fewer genes above zero. Default 200, but at most 2 % of the genes, so that small gene sets keep their cells.',
    ),
  min_cells: z.int().min(0).default(3).describe('Drop genes above zero in fewer cells, counted after cells were dropped.'),
  max_pct_mt: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe('Drop cells with a higher percentage of mitochondrial counts (genes MT-…). Default: no limit.'),
  min_class_cells: z
    .int()
    .min(0)
    .default(10)
    .describe('Drop the cells of every class (of any classification task) that has fewer cells; cells without a label stay.'),
  drop_classes: z
    .array(z.string())
    .default([])
    .describe('Drop the cells of these classes (of any classification task), e.g. ["(none)"]; fewer than min_class_cells or not.'),
  max_genes: z.int().min(1).optional().describe('Drop cells with more genes above zero.'),
  min_counts: z.number().min(0).optional().describe('Drop cells with a smaller total.'),
  max_counts: z.number().min(0).optional().describe('Drop cells with a larger total.'),
  drop_genes_prefix: z
    .array(z.string().min(1))
    .default([])
    .describe('Drop genes whose names start so, e.g. [Mt, Rps, Rpl, Hsp, Hla] (case matters).'),
  drop_genes: z.array(z.string()).default([]).describe('Drop these genes, e.g. housekeeping genes.'),
  min_class_fraction: share
    .optional()
    .describe('Keep a gene only if it is above zero in this share of the cells of at least one class (MarkerMap: 0.3).'),
  max_class_fraction: z
    .strictObject({ pct: share.default(0.75), of_classes: share.default(0.5) })
    .optional()
    .describe('Drop a gene above zero in `pct` of the cells in at least `of_classes` of the classes (MarkerMap: 0.75 and 0.5).'),
  tasks: z
    .array(Task)
    .default([])
    .describe('Given by the engine: the columns to predict; the first classification task gives the classes of the class filters.'),
});

/** Drops poor cells, rare classes and rarely seen genes, and fails early when a task cannot be learned. */
export default defineTransform({
  id: 'qc',
  version: 1,
  summary: 'Drop poor cells, rare classes and rarely seen genes.',
  cites: ['10.1186/s13059-017-1382-0'],
  params,
  run: async (context, { data }, p) => {
    const { filterQuality } = await import('./_quality.ts');
    const { checkTasks } = await import('../_tasks.ts');
    checkTasks(data, p.tasks);
    const result = await filterQuality(data, p, context);
    checkTasks(result.data, p.tasks, `Lower min_class_cells (${p.min_class_cells}) or the cell filters.`);
    return result;
  },
});

/** Settings of the quality filters. */
export type QualityParams = z.infer<typeof params>;
