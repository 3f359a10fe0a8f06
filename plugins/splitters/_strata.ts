import { labels } from '../../data/dataset.ts';
import type { Dataset, StepContext, Task } from '../contract.ts';

/** Class codes of the first task (missing labels are a stratum of their own), or undefined when the split cannot be stratified. */
export function strataOf(data: Dataset, tasks: readonly Task[], context: StepContext): Int32Array | undefined {
  const [first] = tasks;
  if (first?.kind === 'classification') return labels(data.obs, first.column).codes;
  context.log(
    first ? `"${first.column}" is a regression task: the split is not stratified` : 'No task was given: the split is not stratified',
  );
  return undefined;
}
