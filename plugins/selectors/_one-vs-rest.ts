import type { StepDefinition } from '../../core/plugin.ts';
import type { ClassTests } from '../../stats/differential.ts';
import { breather, type ClassCells, classCells, classificationTask, panelOf, requireFinite } from '../_cells.ts';
import { defineSelector, type Memory, Task, z } from '../contract.ts';

/** A statistic of each gene in each class. */
type Test<O> = (input: ClassCells, options: O, onGene: (done: number) => Promise<void>) => Promise<ClassTests>;

/**
 * A selector that tests every gene in each class against the rest and lets the classes take turns (MarkerMap's one-vs-all rule; see
 * `oneVsRestRanking` for ties). One ranking of all genes serves every k.
 */
export function oneVsRestSelector<P extends z.ZodRawShape>(step: {
  readonly id: string;
  readonly version: number;
  readonly summary: string;
  readonly cites: readonly string[];
  readonly params: P;
  /** Cells that each class must have. */
  readonly atLeast?: number;
  /** What decides inside a row of the classes' r-th genes. */
  readonly by: 'p' | 'score';
  readonly memory: Memory;
  readonly test: () => Promise<Test<z.infer<z.ZodObject<P>>>>;
}): StepDefinition {
  const { id, version, summary, cites, memory, by, atLeast = 1 } = step;
  return defineSelector({
    id,
    version,
    summary,
    cites,
    memory,
    traits: ['classes-only'],
    params: z.strictObject({ tasks: z.array(Task), ...step.params }),
    run: async (context, { data, split }, given) => {
      const { tasks, ...options } = given as unknown as { tasks: readonly Task[] } & z.infer<z.ZodObject<P>>;
      const task = classificationTask(tasks, id);
      requireFinite(data);
      const [test, { oneVsRestRanking }] = await Promise.all([step.test(), import('../../stats/differential.ts')]);
      const input = classCells(data, split, task, atLeast);
      const breathe = breather(context);
      await context.breathe();
      const tests = await test(input, options as unknown as z.infer<z.ZodObject<P>>, async (done) => {
        context.progress(done / data.X.cols, `gene ${done} of ${data.X.cols}`);
        await breathe();
      });
      await context.breathe();
      const { genes, scores } = oneVsRestRanking(tests, by);
      return { panel: panelOf(data, genes, scores, task.column) };
    },
  });
}

/** Memory of a statistic that is made of sums by class and gene. */
export const sumsMemory: Memory = {
  formula: '48 bytes x genes x classes',
  bytes: ({ genes, classes }) => 48 * genes * classes,
};

/** Memory of a statistic of ranks. */
export const ranksMemory: Memory = {
  formula: '8 bytes x values of the learning cells + 36 bytes x genes x classes + 40 bytes x cells',
  bytes: ({ cells, genes, values, classes }) => 8 * values + 36 * genes * classes + 40 * cells,
};
