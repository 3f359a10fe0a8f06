import { act, address, collect, fileCommand, list, namespace, program, runCommand, takingUp, whole, work } from './program.ts';

fileCommand('run', 'Run a file, or go on with a run that was interrupted; what is cached is not computed again.')
  .option('--out <place>', 'folder of results, or s3://bucket/prefix (default: results/<name>)')
  .option(...address)
  .option(...namespace)
  .option('--slots <n>', 'steps computed at a time (default: the number of cores)', whole)
  .option('--budget <limits>', 'wall=2h, compute=10h, tasks=500: where one is spent, the run stops softly and reports what there is', list)
  .option('--fresh', 'compute everything anew; the cache is neither read nor changed')
  .option('--baseline <run>', 'compare with this run, with the first, or with the last; exit code 1 where it drifted')
  .option('--tolerance <metric=value>', 'with --baseline: an absolute difference that is no drift', list)
  .option('--notify <channels>', 'whom to tell at its end: lab, or lab:failure+drift (see `panelflow notify`)', list)
  .option('--fail-fast', 'the first failed task ends the run')
  .option('--priority <1-5>', 'of this run among others on the same workers; 1 goes first', whole, 3)
  .option('--shard-size <n>', 'most tasks in one workflow history', whole, 500)
  .option('--quiet', 'only errors')
  .addHelpText(
    'after',
    '\nExamples:\n  panelflow run zeisel.yaml\n  panelflow run zeisel.yaml --set seeds=[0,1,2,3] --out results/four-seeds\n  panelflow run zeisel.yaml --address temporal.example:7233',
  )
  .action(act(async (file: string, flags) => (await import('./commands/run.ts')).run(file, flags)));

fileCommand('plan', 'Show what a run would do: every task, cached or to run, and why. Starts nothing.')
  .alias('dry-run')
  .option('--all', 'list every task')
  .addHelpText('after', '\nExample:\n  panelflow plan zeisel.yaml --set seeds=[0,1,2,3]')
  .action(act(async (file: string, flags) => (await import('./commands/plan.ts')).plan(file, flags)));

fileCommand('lint', 'Check a file: all that is wrong with it, each with line and column.')
  .addHelpText('after', '\nExample:\n  panelflow lint zeisel.yaml')
  .action(act(async (file: string, flags) => (await import('./commands/lint.ts')).lint(file, flags)));

program
  .command('worker')
  .description('Serve task queues of a shared Temporal server until interrupted.')
  .requiredOption('--queue <names>', 'cpu, gpu, or both: cpu,gpu', 'cpu,gpu')
  .option(...address)
  .option(...namespace)
  .option(...work)
  .option('--slots <n>', 'steps computed at a time', whole)
  .option('--plugin <package>', 'a plugin package; may be repeated', collect)
  .option('--build <id>', 'version of this worker: runs stay with the build that they began with, until they end')
  .option('--deployment <name>', 'whose builds take turns', 'panelflow')
  .option('--current', 'new runs go to this build from now on')
  .option('--listen <host:port>', 'answer /healthz, /readyz and /metrics there')
  .option('--drain <time>', 'how long running steps may go on when the worker is told to stop; what is not ready is handed back', '30s')
  .option('--log <format>', 'text, or json: one object a line, also for each task', 'text')
  .addHelpText(
    'after',
    '\nExamples:\n  panelflow worker --queue gpu --address temporal.example:7233\n  panelflow worker --queue cpu,gpu --address temporal.example:7233 --build 2026-12-01 --current',
  )
  .action(act(async (flags) => (await import('./commands/worker.ts')).worker(flags)));

runCommand('list', 'List runs, newest first.').action(act(async (flags) => (await import('./commands/runs.ts')).list(flags)));
runCommand('status <run>', 'Show how far a run has come. RUN is its name, or the beginning of one.').action(
  act(async (run: string, flags) => (await import('./commands/runs.ts')).status(run, flags)),
);
runCommand('log <run>', 'Show the tasks of a run: state, time, worker, cell.')
  .option('--failed', 'only failed ones, with their errors')
  .action(act(async (run: string, flags) => (await import('./commands/runs.ts')).log(run, flags)));
runCommand('explain <run> <cell>', 'Say where a result came from, its cache key, and what changed against the nearest earlier key.')
  .addHelpText('after', '\nExample:\n  panelflow explain last "select (seed=0 selector=yoto k=32)"')
  .action(act(async (run: string, cell: string, flags) => (await import('./commands/explain.ts')).explain(run, cell, flags)));
runCommand('cancel <run>', 'Cancel a run; what is finished stays in the cache.').action(
  act(async (run: string, flags) => (await import('./commands/runs.ts')).cancel(run, flags)),
);
const control = (): Promise<typeof import('./commands/control.ts')> => import('./commands/control.ts');

takingUp(
  runCommand('attach <run>', 'Follow a run that goes on, serving it where nobody else does; the results are written at its end.'),
).action(act(async (run: string, flags) => (await control()).attach(run, flags)));
runCommand('pause <run>', 'Begin no more tasks; those under way end.').action(
  act(async (run: string, flags) => (await control()).pause(run, flags)),
);
takingUp(runCommand('resume <run>', 'Go on with a run that is paused, cancelled or was stopped.')).action(
  act(async (run: string, flags) => (await control()).resume(run, flags)),
);
runCommand('stop <run>', 'End a run softly: tasks under way end, and the report is made of what there is.').action(
  act(async (run: string, flags) => (await control()).stop(run, flags)),
);
takingUp(runCommand('retry <run> [cells...]', 'Do failed tasks anew: all of them, or those named as `panelflow log` names them.'))
  .option('--failed', 'all failed tasks (this is what happens when no cell is named)')
  .addHelpText('after', '\nExamples:\n  panelflow retry last\n  panelflow retry zeisel "seed=0 selector=yoto k=32"')
  .action(act(async (run: string, cells: string[], flags) => (await control()).retry(run, cells, flags)));
takingUp(
  runCommand('amend <run>', 'Change the sweep of a run while it goes on, or extend one that has ended: only new cells are computed.'),
)
  .option('--add <axis=values>', 'more values of an axis; may be repeated', collect)
  .option('--drop <axis=values>', 'values that are wanted no more; may be repeated', collect)
  .option('--set <key=value>', 'a param; may be repeated', collect)
  .option('--dry-run', 'say how many tasks would come and go, and change nothing')
  .addHelpText(
    'after',
    '\nExamples:\n  panelflow amend last --add seed=3,4 --add selector=cosg\n  panelflow amend zeisel --drop selector=random',
  )
  .action(act(async (run: string, flags) => (await control()).amend(run, flags)));
runCommand('report <run>', 'Write the results of a run again from the store.')
  .option('--out <place>', 'folder of results, or s3://bucket/prefix (default: results/<name>)')
  .action(act(async (run: string, flags) => (await import('./commands/runs.ts')).report(run, flags)));

runCommand('ui', 'The dashboard: runs, their sweeps and curves, live, in a browser; until interrupted.')
  .option('--host <name>', 'where to listen; beyond this machine everybody must show a token', '127.0.0.1')
  .option('--port <n>', 'port (default: 7878, or any that is free)', whole)
  .option('--token <secret>', 'what everybody must show (default: made up for any host but this machine)')
  .option('--open', 'show it in the browser')
  .addHelpText('after', '\nExamples:\n  panelflow ui --open\n  panelflow ui --host 0.0.0.0 --port 8080')
  .action(act(async (flags) => (await import('./commands/ui.ts')).ui(flags)));

runCommand('clean [runs...]', 'Drop runs from the store, and every result that no other run needs. What is open or young is left alone.')
  .option('--keep <n>', 'drop all runs but the newest so many of each name', whole)
  .option('--older-than <time>', 'drop runs that ended longer ago, such as 30d; with --keep, only those that both rules name')
  .option('--intermediates [size]', 'of runs that ended well, drop what only other steps read, from that size on (default: 1 MB)')
  .option('--grace <time>', 'leave alone what is younger', '1h')
  .option('--dry-run', 'say what would go, and drop nothing')
  .addHelpText(
    'after',
    '\nExamples:\n  panelflow clean --keep 3 --dry-run\n  panelflow clean zeisel-1a2b3c4d-mb1x2y3z\n  panelflow clean --intermediates',
  )
  .action(act(async (runs: string[], flags) => (await import('./commands/clean.ts')).clean(runs, flags)));
