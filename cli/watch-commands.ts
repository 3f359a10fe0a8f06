import type { Command } from 'commander';
import { act, collect, list, program, runCommand, whole } from './program.ts';

const commands = (): Promise<typeof import('./commands/watch.ts')> => import('./commands/watch.ts');
const tables = (): Promise<typeof import('./watch/show.ts')> => import('./watch/show.ts');

const watch = program
  .command('watch')
  .description('Data that is dropped into a bucket starts runs: exactly one for each version of each object.')
  .addHelpText(
    'after',
    `
panelflow watch PLACE is short for panelflow watch add PLACE; its options: panelflow watch add --help

Examples:
  panelflow watch 's3://lab/in/*.h5ad' --pipeline panel.yaml
  panelflow watch 's3://lab/in/**/*.h5ad' --pipeline panel.yaml --queue https://sqs.eu-west-1.amazonaws.com/1/drops --most 4
  panelflow watch show panel`,
  );

/** A command about watches. */
const watchCommand = (name: string, description: string, isDefault = false): Command => runCommand(name, description, watch, isDefault);

watchCommand(
  'add <place>',
  "Watch 's3://bucket/folder/*.h5ad' until interrupted. The same command again goes on, with what has changed.",
  true,
)
  .requiredOption('--pipeline <file>', 'what is run for each drop')
  .option('--name <name>', "of the watch (default: the file's)")
  .option('--param <name>', 'param that gets the name of the drop', 'data')
  .option('--set <key=value>', 'one param, for all drops; may be repeated', collect)
  .option('--params-file <file>', 'YAML or JSON with params, for all drops')
  .option('--profile <names>', 'profiles of the pipeline or the file, comma separated', list)
  .option('--samples <sheet>', 'CSV with a column "drop" (file name or glob) and params')
  .option('--unmatched <what>', 'drops that the sheet does not know: run or refuse', 'run')
  .option('--marker <name>', 'wait for this object in the folder of a drop: DONE; or beside it: .done')
  .option('--manifest <name>', 'wait until all is there that this object lists, and fits: manifest.json')
  .option('--quiet-for <time>', 'wait until no newer version has come for so long: 30s')
  .option('--queue <sqs>', 'an SQS queue with the notifications of the bucket: URL, ARN or name')
  .option('--listen <host:port>', 'take notifications by HTTP while the command runs: 127.0.0.1:8123')
  .option('--token <secret>', 'with --listen: what senders must give')
  .option('--poll <time>', 'look at the bucket so often; 0: never (default: 60s; with --queue or --listen 10m)')
  .option('--most <n>', 'runs at a time; more wait in the order of arrival', whole, 2)
  .option('--out <place>', 'of the results, with {stem}, {key}, {folder}, {version} (default: beside the drop, KEY.panelflow/)')
  .option('--notify <channels>', 'whom to tell at the end of each run: lab, or lab:failure+drift', list)
  .option('--baseline <run>', 'compare each run with this one, with the first, or with the last of its name')
  .option('--tolerance <metric=value>', 'with --baseline: an absolute difference that is no drift', list)
  .option('--priority <1-5>', 'of its runs among others on the same workers; 1 goes first', whole, 3)
  .option('--slots <n>', 'steps computed at a time (default: the number of cores)', whole)
  .option('--detach', 'set it up and leave it to workers')
  .addHelpText(
    'after',
    `
Examples:
  panelflow watch 's3://lab/in/*.h5ad' --pipeline panel.yaml
  panelflow watch 's3://lab/in/**/*.h5ad' --pipeline panel.yaml --marker DONE --out 's3://lab/panels/{folder}/{stem}'
  panelflow watch 's3://lab/in/*.h5ad' --pipeline panel.yaml --samples sheet.csv --unmatched refuse --quiet-for 30s
  panelflow watch 's3://lab/in/*.h5ad' --pipeline panel.yaml --address temporal.example:7233 --detach`,
  )
  .action(act(async (place: string, flags) => (await commands()).watch(place, flags)));

watchCommand('list', 'List the watches of a store.').action(act(async (flags) => (await tables()).list(flags)));
watchCommand('show <name>', 'Show every version that a watch has seen, with its run and state.')
  .option('--state <state>', 'only those: waiting, running, done, failed, refused, superseded')
  .action(act(async (name: string, flags) => (await tables()).show(name, flags)));
watchCommand('dead <name>', 'Show the messages that could not be read.').action(
  act(async (name: string, flags) => (await tables()).dead(name, flags)),
);
watchCommand('pause <name>', 'Begin no more runs; drops are noticed all the same.').action(
  act(async (name: string, flags) => (await commands()).order(name, 'pause', flags)),
);
watchCommand('resume <name>', 'Go on.').action(act(async (name: string, flags) => (await commands()).order(name, 'resume', flags)));
watchCommand('retry <name> [key]', 'Run versions again that failed or were refused: all, or those of one object.').action(
  act(async (name: string, key: string | undefined, flags) => (await commands()).retry(name, key, flags)),
);
watchCommand('remove <name>', 'End a watch; runs under way go on.')
  .option('--forget', 'drop what it has seen, too')
  .action(act(async (name: string, flags) => (await commands()).remove(name, flags)));
