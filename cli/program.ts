import { Command, InvalidArgumentError } from 'commander';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../runs/load.ts';
import { fail } from './print.ts';

/** Runs a command's module, imported when first needed, and turns its outcome into the exit code. */
export function act(command: (...args: any[]) => Promise<number>): (...args: any[]) => Promise<void> {
  return async (...args) => {
    const flags = args.at(-2) as { json?: boolean };
    try {
      process.exitCode = await command(...args.slice(0, -1));
    } catch (error) {
      process.exitCode = fail(error, flags.json);
    }
  };
}

export const list = (value: string, before: string[] = []): string[] => [...before, ...value.split(',')];
export const collect = (value: string, before: string[] = []): string[] => [...before, value];
export const whole = (value: string): number => {
  const n = Number(value);
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError('It wants a whole number from 1.');
  return n;
};

export const program = new Command('panelflow')
  .description('Compare ways to choose a gene panel: one YAML file, run as a durable workflow, ending in one table and one report.')
  .version((JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version)
  .showSuggestionAfterError()
  .showHelpAfterError('Add --help for the options.')
  .configureHelp({ showGlobalOptions: true })
  .exitOverride()
  .addHelpText('after', '\nExit codes: 0 ok, 1 steps failed, 2 wrong file or flag, 130 interrupted.\nDocumentation: README.md and docs/.');

export const work = ['--work <place>', 'store of artifacts and cache: a folder or s3://bucket/prefix (default: .panelflow)'] as const;
export const address = ['--address <host:port>', 'a Temporal server of your own (default: the embedded one, or TEMPORAL_ADDRESS)'] as const;
export const namespace = ['--namespace <name>', 'Temporal namespace (default: default)'] as const;
export const json = ['--json', 'JSON for machines, on standard output'] as const;

/** Options of commands that read a file to run. */
export function fileCommand(name: string, description: string): Command {
  return program
    .command(name)
    .argument('<file>', 'a YAML file, or the name of one that ships with panelflow, such as markermap-tables')
    .description(description)
    .option('--profile <names>', 'profiles of the pipeline or the file, comma separated', list)
    .option('--params-file <file>', 'YAML or JSON with params that win over those in the file')
    .option('--set <key=value>', 'one param; may be repeated', collect)
    .option('--name <name>', 'name of the run and of its results folder')
    .option(...work)
    .option(...json);
}

/** Options of commands about what a server and a store hold: a run, or, below another command, schedules and watches. */
export function runCommand(name: string, description: string, parent: Command = program, isDefault = false): Command {
  return parent
    .command(name, { isDefault })
    .description(description)
    .option(...work)
    .option(...address)
    .option(...namespace)
    .option(...json);
}

/** Options of commands that may take a run up again, and then follow it. */
export function takingUp(command: Command): Command {
  return command
    .option('--slots <n>', 'steps computed at a time (default: the number of cores)', whole)
    .option('--budget <limits>', 'other limits: wall=4h, compute=20h, tasks=1000', list)
    .option('--quiet', 'only errors');
}
