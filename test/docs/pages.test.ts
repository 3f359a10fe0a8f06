import { readdirSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { program } from '../../cli/every-command.ts';
import { PipelineDefinition, RunFile } from '../../schemas/pipeline.ts';
import { blocks } from './_blocks.ts';

const PAGES = [
  'README.md',
  'SECURITY.md',
  'deploy/README.md',
  ...readdirSync('docs').map((name) => `docs/${name}`),
  ...readdirSync('docs/papers').map((name) => `docs/papers/${name}`),
].filter((path) => path.endsWith('.md'));

const find = (command: Command, name: string): Command | undefined =>
  command.commands.find((c) => c.name() === name || c.aliases().includes(name));

/** What is wrong with a command line in a page; undefined when it could be run. */
function wrong(line: string): string | undefined {
  const words = line.split(/\s+/).slice(1);
  let command: Command = program;
  for (let next = find(command, words[0] ?? ''); next; next = find(command, words[0] ?? '')) {
    command = next;
    words.shift();
  }
  const first = words[0] ?? '';
  if (command === program && /^[a-z]/.test(first)) return `there is no command ${first}`;
  // A group has a command that is meant where none is named.
  const known = [command, program, ...(command === program ? [] : command.commands)]
    .flatMap(({ options }) => options)
    .flatMap(({ long, short }) => [long, short]);
  const unknown = words.find((word) => /^--?[a-z]/.test(word) && !known.includes(word.split('=')[0]) && word !== '--help');
  return unknown && `${command.name()} has no option ${unknown}`;
}

describe('the documentation', () => {
  for (const page of PAGES) {
    const text = readFileSync(page, 'utf8');

    it(`${page}: commands and options are there`, () => {
      const lines = [
        ...blocks(text).flatMap((block) => block.text.split('\n')),
        ...[...text.matchAll(/`((?:npx )?panelflow [^`]+)`/g)].map((m) => m[1]),
      ];
      const calls = lines.flatMap((line) => [...line.matchAll(/(?:^\s*|npx |&& )(panelflow [a-z][^#|&;"]*)/g)].map((m) => m[1].trim()));
      expect(calls.flatMap((call) => wrong(call) ?? [])).toEqual([]);
    });

    it(`${page}: YAML files are of their form`, () => {
      for (const block of blocks(text).filter(({ language }) => language === 'yaml')) {
        const file = parse(block.text) as Record<string, unknown> | null;
        if (!file || typeof file !== 'object') continue;
        const form = 'pipeline' in file ? RunFile : 'steps' in file && 'name' in file ? PipelineDefinition : undefined;
        const { error } = form?.safeParse(file) ?? {};
        expect(error?.issues, `${page}:${block.line}`).toBeUndefined();
      }
    });
  }
});
