import type { Command } from 'commander';
import { program } from '../../cli/every-command.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ');

/** Examples and the like, which stand behind the options in the help. */
const after = (command: Command): string => {
  const said: string[] = [];
  command.configureOutput({ writeOut: (text) => void said.push(text) }).outputHelp();
  const help = said.join('');
  const at = help.search(/^(Examples?|Exit codes):/m);
  return at < 0 ? '' : help.slice(at).trim();
};

function page(command: Command, above: string): string[] {
  const name = `${above} ${command.name()}`;
  const words = command.registeredArguments.map((a) =>
    a.required ? `<${a.name()}${a.variadic ? '...' : ''}>` : `[${a.name()}${a.variadic ? '...' : ''}]`,
  );
  const options = command.options.filter(({ hidden }) => !hidden);
  const examples = after(command).replace(/^Examples?:\n/, '');
  return [
    `## ${name}`,
    '',
    command.description(),
    '',
    '```',
    [name, ...words, ...(options.length > 0 ? ['[options]'] : [])].join(' '),
    '```',
    '',
    ...(options.length > 0
      ? [
          '| option | |',
          '|---|---|',
          ...options.map(
            (o) =>
              `| \`${o.flags.replaceAll('|', '\\|')}\` | ${cell(o.description)}${o.defaultValue === undefined ? '' : ` (default: ${cell(String(o.defaultValue))})`} |`,
          ),
          '',
        ]
      : []),
    ...(examples ? ['```', examples.replaceAll(/^ {2}/gm, ''), '```', ''] : []),
    ...command.commands.flatMap((c) => page(c, name)),
  ];
}

/** The reference of all commands: docs/reference/cli.md. */
export const commandsPage = (): string =>
  [
    '# Commands',
    '',
    'Generated from `panelflow --help`; a test fails when it is stale.',
    '',
    'Exit codes: 0 ok, 1 steps failed, 2 wrong file or flag, 130 interrupted.',
    '',
    ...program.commands.flatMap((command) => page(command, program.name())),
  ].join('\n');
