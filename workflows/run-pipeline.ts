import { defineQuery, executeChild, ParentClosePolicy, setHandler, workflowInfo } from '@temporalio/workflow';
import type { Progress, RunRequest } from '../schemas/run.ts';
import { Board } from './board.ts';
import { engine, runTasks } from './interpret.ts';

export const progressQuery = defineQuery<Progress>('progress');

/** At most so many child workflows are open at a time. */
const OPEN_SHARDS = 20;

/** Runs a plan to its end and says how each step fared. Interprets data: it knows no plugin by name. */
export async function runPipeline(request: RunRequest): Promise<Progress> {
  const board = new Board();
  const children = new Set<string>();
  setHandler(progressQuery, () => board.progress([...children]));
  const outline = await engine['engine/outline'](request);
  const all = [...outline.hubs, ...outline.sinks];
  for (const node of all) board.expect(node.step, 1);
  for (const shard of outline.shards) for (const [step, n] of Object.entries(shard.steps)) board.expect(step, n);

  const known = new Set(
    await engine['engine/probe'](
      request,
      outline.hubs.map((n) => n.id),
    ),
  );
  await runTasks(outline.hubs, request, board, known);
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < outline.shards.length; i = next++) {
      const workflowId = `${workflowInfo().workflowId}/shard-${i}`;
      children.add(workflowId);
      const ended = await executeChild(runShard, { args: [request, i], workflowId, parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL });
      children.delete(workflowId);
      board.add(ended);
    }
  };
  await Promise.all(Array.from({ length: Math.min(OPEN_SHARDS, outline.shards.length) }, lane));
  if (outline.sinks.length > 0) {
    const found = new Set(
      await engine['engine/probe'](
        request,
        outline.sinks.map((n) => n.id),
      ),
    );
    await runTasks(outline.sinks, request, board, found);
  }
  return board.progress();
}

/** Runs one slice of a plan, in a history of its own. */
export async function runShard(request: RunRequest, shard: number): Promise<Progress> {
  const board = new Board();
  setHandler(progressQuery, () => board.progress());
  const nodes = await engine['engine/shard'](request, shard);
  for (const node of nodes) board.expect(node.step, 1);
  const known = new Set(
    await engine['engine/probe'](
      request,
      nodes.map((n) => n.id),
    ),
  );
  await runTasks(nodes, request, board, known);
  return board.progress();
}
