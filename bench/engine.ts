/**
 * What does the engine cost? (1) 1,000 cells that echo their number, once in an empty folder and once more when all is done: steps of
 * ours in process and as commands, Nextflow, Snakemake; they take turns, and the least of each figure counts. (2) 10,000 cells of ours,
 * the quickest round. `again`: the same command once more, everything cached.
 * Run: npm run build && NEXTFLOW_LIB=<folder of jars> SNAKEMAKE=<program> node dist/bench/engine.js [--rounds 3] [--cells 1000] [--large 10000]
 * Needs Linux and python3. A peer that is not named is left out. docs/engine.md explains the figures.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { record, resultFile } from './_compare.ts';
import { type Contestant, contestants, inProcess, serverOf } from './_engine-contestants.ts';
import { measure, type Measured } from './_engine-measure.ts';

const round = (x: number, digits = 3): number => Number(x.toPrecision(digits));

interface Both<T> {
  readonly first: Measured;
  readonly again: Measured;
  readonly seen: T;
}

/** Both runs of a contestant in a folder of its own; `look` sees it after the first. */
async function bothRuns<T>(contestant: Contestant, cells: number, look: (folder: string, first: Measured) => T): Promise<Both<Awaited<T>>> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  contestant.prepare(folder, cells);
  try {
    const first = await measure(contestant, folder, false, cells);
    const seen = await look(folder, first);
    return { first, again: await measure(contestant, folder, true, 0), seen };
  } finally {
    contestant.end(folder);
    rmSync(folder, { recursive: true });
  }
}

const least = (runs: readonly Measured[]): { wall_s: number; cpu_s: number } => ({
  wall_s: round(Math.min(...runs.map((run) => run.wall_s))),
  cpu_s: round(Math.min(...runs.map((run) => run.cpu_s))),
});

async function compare(cells: number, rounds: number): Promise<object[]> {
  const all = contestants();
  const runs = new Map(all.map((contestant) => [contestant, { first: [] as Measured[], again: [] as Measured[] }]));
  for (let i = 0; i < rounds; i++) {
    for (const contestant of all) {
      const load = loadavg()[0];
      const { first, again } = await bothRuns(contestant, cells, () => {});
      runs.get(contestant)!.first.push(first);
      runs.get(contestant)!.again.push(again);
      console.log(`${i + 1}  ${contestant.name}: ${round(first.wall_s)} s, again ${round(again.wall_s)} s (load ${round(load)})`);
    }
  }
  return all.map((contestant) => {
    const first = least(runs.get(contestant)!.first);
    const again = least(runs.get(contestant)!.again);
    return {
      contestant: contestant.name,
      cells,
      wall_s: first.wall_s,
      cpu_s: first.cpu_s,
      again_wall_s: again.wall_s,
      again_cpu_s: again.cpu_s,
      version: contestant.version,
    };
  });
}

/** From the start of the command to the run's record, and to its first task, in seconds. */
function beginnings(folder: string, { began }: Measured): { planned_s: number; first_task_s: number } {
  const [run] = readdirSync(join(folder, '.panelflow/runs'));
  const read = (path: string): Record<string, number> =>
    JSON.parse(readFileSync(join(folder, '.panelflow/runs', run, path), 'utf8')) as Record<string, number>;
  const starts = readdirSync(join(folder, '.panelflow/runs', run, 'tasks')).map((name) => read(`tasks/${name}`).start);
  return { planned_s: read('run.json').started / 1000 - began, first_task_s: starts.reduce((a, b) => Math.min(a, b)) / 1000 - began };
}

/** How many workflows a run made, and the largest of their histories. */
async function histories(folder: string): Promise<{ workflows: number; events: number; kb: number }> {
  const connection = await Connection.connect({ address: serverOf(folder).address });
  try {
    const client = new Client({ connection });
    const found = { workflows: 0, events: 0, kb: 0 };
    for await (const { workflowId, runId } of client.workflow.list()) {
      const { historyLength, historySize = 0 } = await client.workflow.getHandle(workflowId, runId).describe();
      found.workflows++;
      found.events = Math.max(found.events, historyLength);
      found.kb = Math.max(found.kb, historySize / 1024);
    }
    return found;
  } finally {
    await connection.close();
  }
}

/** Many cells of ours: the quickest of all rounds. */
async function large(cells: number, rounds: number): Promise<object> {
  const all = [];
  for (let i = 0; i < rounds; i++) {
    const look = async (folder: string, first: Measured) => ({ ...beginnings(folder, first), ...(await histories(folder)) });
    all.push({ load: loadavg()[0], ...(await bothRuns(inProcess, cells, look)) });
  }
  const { load, first, again, seen } = all.toSorted((a, b) => a.first.wall_s - b.first.wall_s)[0];
  return {
    contestant: inProcess.name,
    cells,
    load: round(load),
    planned_s: round(seen.planned_s),
    first_task_s: round(seen.first_task_s),
    wall_s: round(first.wall_s),
    cpu_s: round(first.cpu_s),
    wall_ms_per_cell: round((1000 * first.wall_s) / cells),
    cpu_ms_per_cell: round((1000 * first.cpu_s) / cells),
    cli_peak_mb: Math.round(first.peak_mb.command),
    step_peak_mb: Math.round(first.peak_mb.step),
    step_processes: first.peak_mb.steps,
    workflows: seen.workflows,
    largest_history_events: seen.events,
    largest_history_kb: Math.round(seen.kb),
    again_wall_s: round(again.wall_s),
    again_cpu_s: round(again.cpu_s),
    again_cli_peak_mb: Math.round(again.peak_mb.command),
    version: inProcess.version,
  };
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    cells: { type: 'string', default: '1000' },
    large: { type: 'string', default: '10000' },
  },
});
const [rounds, cells, many] = [values.rounds, values.cells, values.large].map(Number);
execFileSync('python3', ['--version']);
const compared = await compare(cells, rounds);
console.table(compared);
const alone = await large(many, rounds);
console.log(alone);
await record('engine', resultFile('engine.json'), [...compared, alone]);
