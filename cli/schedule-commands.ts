import type { Command } from 'commander';
import type { act as actOn } from './commands/schedule.ts';
import { act, collect, list, program, runCommand, takingUp, whole } from './program.ts';

/** Options of commands that compare a run with another one. */
function comparing(command: Command): Command {
  return command
    .option('--tolerance <metric=value>', 'an absolute difference that is no drift; others are judged by their spread over seeds', list)
    .option('--out <place>', 'folder of results, or s3://bucket/prefix');
}

comparing(runCommand('compare <baseline> <run>', 'Say whether a run came out like another one, and if not, which step differs first.'))
  .addHelpText(
    'after',
    '\nExit code 1 where it drifted.\n\nExample:\n  panelflow compare zeisel-1a2b3c4d-mb1x2y3z last --tolerance accuracy=0.01',
  )
  .action(act(async (baseline: string, run: string, flags) => (await import('./commands/compare.ts')).compare(baseline, run, flags)));

takingUp(
  comparing(runCommand('repeat <run>', 'Compute a run (or a file: twice) again with the inputs that it had, all of it, and compare.')),
)
  .option('--cached', 'take what is in the cache')
  .option('--notify <channels>', 'whom to tell: lab, or lab:failure+drift', list)
  .addHelpText('after', '\nExit code 1 where it drifted.\n\nExamples:\n  panelflow repeat last\n  panelflow repeat zeisel.yaml')
  .action(act(async (run: string, flags) => (await import('./commands/repeat.ts')).repeat(run, flags)));

runCommand('export <run>', 'Results in the forms that other tools read.')
  .requiredOption(
    '--as <kinds>',
    'genes (lists with ids, BED), h5ad (panel in var, predictions in obs), multiqc, ro-crate; comma separated',
    list,
  )
  .option('--cell <cell>', 'one panel, as `panelflow log` names it (default: all; for h5ad the one with the best mean accuracy)')
  .option('--out <place>', 'folder, or s3://bucket/prefix (default: results/<name>/export)')
  .option('--author <name>', 'who ran it, for the crate (default: your name on this machine)')
  .option('--licence <url>', 'of the results, in the crate', 'https://spdx.org/licenses/CC-BY-4.0')
  .addHelpText(
    'after',
    '\nExamples:\n  panelflow export last --as ro-crate,multiqc\n  panelflow export zeisel --as h5ad --cell "seed=0 selector=yoto k=32"',
  )
  .action(act(async (run: string, flags) => (await import('./commands/export.ts')).exportRun(run, flags)));

const schedule = program.command('schedule').description('Runs that start themselves, by the clock.');
const schedules = (): Promise<typeof import('./commands/schedule.ts')> => import('./commands/schedule.ts');

/** A command about schedules. */
const scheduleCommand = (name: string, description: string): Command => runCommand(name, description, schedule);

scheduleCommand('add <name> <file>', 'Run a file again and again: the plan as it is now with its inputs pinned, or --follow the file.')
  .option('--cron <expression>', 'minute hour day-of-month month day-of-week; may be repeated', collect)
  .option('--every <time>', 'such as 6h or 7d')
  .option('--offset <time>', 'with --every: so long after the hour, or midnight (UTC)')
  .option('--timezone <name>', 'of --cron, such as Europe/Vienna (default: UTC)')
  .option(
    '--overlap <policy>',
    'when the one before still runs: skip, buffer-one, buffer-all, cancel-other, terminate-other, allow-all',
    'skip',
  )
  .option('--catchup <time>', 'starts that were missed while the server was away are made up for, if they are not older', '1d')
  .option('--jitter <time>', 'start up to so much later, by chance')
  .option('--pause-on-failure', 'pause when a run fails or drifts')
  .option('--paused', 'do not begin yet')
  .option('--note <text>', 'what people should know of it')
  .option('--follow', 'read the file anew each time, with the data as they are then')
  .option('--replace', 'put it in the place of the schedule of that name')
  .option('--fresh', 'compute everything anew each time')
  .option('--baseline <run>', 'compare each run with this one, with the first, or with the last')
  .option('--tolerance <metric=value>', 'an absolute difference that is no drift', list)
  .option('--notify <channels>', 'whom to tell: lab, or lab:failure+drift', list)
  .option('--out <place>', 'where results go; {run} stands for the run (default: results/<name>/{run})')
  .option('--profile <names>', 'profiles of the pipeline or the file, comma separated', list)
  .option('--params-file <file>', 'YAML or JSON with params that win over those in the file')
  .option('--set <key=value>', 'one param; may be repeated', collect)
  .option('--budget <limits>', 'wall=2h, compute=10h, tasks=500', list)
  .option('--fail-fast', 'the first failed task ends the run')
  .option('--priority <1-5>', 'among other runs on the same workers; 1 goes first', whole, 3)
  .option('--shard-size <n>', 'most tasks in one workflow history', whole, 500)
  .addHelpText(
    'after',
    '\nExamples:\n  panelflow schedule add weekly zeisel.yaml --cron "0 3 * * 1" --timezone Europe/Vienna --fresh --baseline first --notify lab:failure+drift\n  panelflow schedule add nightly zeisel.yaml --every 1d --offset 2h --follow --pause-on-failure',
  )
  .action(act(async (name: string, file: string, flags) => (await schedules()).add(name, file, flags)));
scheduleCommand('list', 'List schedules.').action(act(async (flags) => (await schedules()).list(flags)));
scheduleCommand('show <name>', 'When a schedule runs, and how its last runs went.').action(
  act(async (name: string, flags) => (await schedules()).show(name, flags)),
);

const acting = (action: Parameters<typeof actOn>[0]): ((...args: any[]) => Promise<void>) =>
  act(async (name: string, flags) => (await schedules()).act(action, name, flags));
scheduleCommand('pause <name>', 'Start no more runs until it is resumed.').option('--note <text>', 'why').action(acting('pause'));
scheduleCommand('resume <name>', 'Go on with a schedule that is paused.').option('--note <text>', 'why').action(acting('resume'));
scheduleCommand('trigger <name>', 'Run it now, beside its times.')
  .option('--overlap <policy>', 'what to do when one is still running')
  .action(acting('trigger'));
scheduleCommand('backfill <name>', 'Make up for a time in the past, as if it passed now.')
  .requiredOption('--from <time>', 'such as 2026-11-01 or 2026-11-01T03:00:00Z')
  .requiredOption('--to <time>', 'likewise')
  .option('--overlap <policy>', 'what to do when one is still running (default: buffer-all)')
  .action(acting('backfill'));
scheduleCommand('remove <name>', 'End a schedule; its runs stay.').action(acting('remove'));
