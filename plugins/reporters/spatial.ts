import { z } from '../contract.ts';
import { comparisonFiles } from './_comparison-params.ts';
import { defineSpatialReporter } from '../spatial-contract.ts';

const Method = z.strictObject({ id: z.string(), summary: z.string().default(''), cites: z.array(z.string()).default([]) });

/** Tables and one self-contained page: who predicts expression best from the picture, how sure that is, and what it looks like on the tissue. */
export default defineSpatialReporter({
  id: 'spatial',
  version: 2,
  summary: 'metrics, genes and summary as CSV and Parquet, and report.html with predicted and measured expression on the tissue',
  cites: ['10.1023/A:1024068626366'],
  params: z.strictObject({
    name: z.string().optional(),
    title: z.string().optional(),
    facts: z.record(z.string(), z.unknown()).default({}).describe('shown as a table; nested maps are flattened'),
    methods: z.array(Method).default([]).describe('what was compared, with summary and citations'),
    published: z
      .string()
      .optional()
      .describe('a CSV of published numbers to set beside ours (docs/report.md); their evaluator is expression'),
    dataset: z.string().default('average').describe('the dataset of those numbers that these sections are'),
    maps: z.int().min(0).max(12).default(3).describe('genes whose maps are drawn, the best predicted ones'),
    sections: z.int().min(0).max(12).default(4).describe('sections that maps are drawn of'),
  }),
  files: comparisonFiles,
  run: async (context, inputs, params) => {
    const { spatialModel } = await import('./spatial-report/model.ts');
    const { spatialTables } = await import('./spatial-report/tables.ts');
    const { writeSpatialPage } = await import('./spatial-report/page.ts');
    const { readPublished } = await import('./report/published.ts');
    const model = spatialModel(inputs, { known: await readPublished(params.published), dataset: params.dataset });
    const files = await spatialTables(model, inputs.data);
    await context.breathe();
    const page = await writeSpatialPage(context, model, inputs, params);
    return { files: [...files, { name: 'report.html', bytes: page }], facts: { results: model.results.length, bytes: page.length } };
  },
});
