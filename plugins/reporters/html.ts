import { defineReporter, z } from '../contract.ts';
import { comparisonFiles, comparisonParams } from './_comparison-params.ts';

const Method = z.strictObject({ id: z.string(), summary: z.string().default(''), cites: z.array(z.string()).default([]) });

/** One self-contained page for people: what is best, how sure that is, and which genes. */
export default defineReporter({
  id: 'html',
  version: 5,
  summary: 'report.html: one self-contained page with summary, paired tests, charts, tables, panels and methods',
  cites: ['10.1109/TVCG.2016.2599030', '10.1023/A:1024068626366'],
  params: z.strictObject({
    name: z.string().optional(),
    title: z.string().optional(),
    description: z.string().optional(),
    facts: z.record(z.string(), z.unknown()).default({}).describe('shown as a table; nested maps are flattened'),
    methods: z.array(Method).default([]).describe('what was compared, with summary and citations'),
    baseline: z.string().default('random').describe('the selector to compare with, drawn in grey'),
    ...comparisonParams,
  }),
  files: comparisonFiles,
  run: async (context, inputs, params) => {
    const { writePage } = await import('./report/page.ts');
    const { readPublished } = await import('./report/published.ts');
    const bytes = await writePage(context, inputs, params, await readPublished(params.published));
    return { files: [{ name: 'report.html', bytes }], facts: { bytes: bytes.length } };
  },
});
