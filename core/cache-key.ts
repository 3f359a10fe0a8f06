import type { ArtifactRef } from '../schemas/artifact.ts';
import type { Cell, PlannedTask } from '../schemas/plan.ts';
import { canonical } from './canonical.ts';
import { replaceTexts } from './replace-texts.ts';

/** What flowed into each port: one artifact, or a list with the cells it came from. */
export type ResolvedInputs = Readonly<Record<string, ArtifactRef | readonly { readonly ref: ArtifactRef; readonly cell: Cell }[]>>;

/** For each gathered port, the planned cells that nothing came from. */
export function missingCells(task: PlannedTask, inputs: ResolvedInputs): Record<string, Cell[]> {
  const missing: Record<string, Cell[]> = {};
  for (const [port, planned] of Object.entries(task.inputs)) {
    const found = inputs[port];
    if (!('gather' in planned) || found === undefined || 'sha256' in found || found.length === planned.gather.length) continue;
    const there = new Set(found.map(({ cell }) => canonical(cell)));
    missing[port] = planned.gather.map(({ cell }) => cell).filter((cell) => !there.has(canonical(cell)));
  }
  return missing;
}

/**
 * The text whose hash is a task's cache key: plugin id and version, params, input hashes, seed, and nothing else.
 * Files count by content, wherever they lie.
 */
export function keyText(task: PlannedTask, inputs: ResolvedInputs): string {
  const hashOf = new Map(task.files.map((f) => [f.path, `sha256:${f.sha256}`]));
  const params = replaceTexts(task.params, (text) => hashOf.get(text));
  const hashes = Object.fromEntries(
    Object.entries(inputs).map(([port, input]) => [
      port,
      'sha256' in input ? input.sha256 : input.map(({ ref, cell }) => [ref.sha256, cell]),
    ]),
  );
  const missing = missingCells(task, inputs);
  const holes = Object.keys(missing).length > 0 ? { missing } : {};
  return canonical({
    uses: task.uses,
    version: task.version,
    params,
    seed: task.seed,
    inputs: hashes,
    ...holes,
    ...(task.until === undefined ? {} : { until: task.until }),
  });
}
