import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Project } from '../engine/_engine.ts';
import { blocks } from './_blocks.ts';

let project: Project;
beforeAll(() => {
  project = new Project();
});
afterAll(() => project.close());

/** Words of a command line as a shell would hand them over; single quotes alone are known. */
const words = (line: string): string[] => [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map((m) => m[1] ?? m[2] ?? m[3]);

describe('docs/tutorial.md', () => {
  it('every command of it works, in its order', async () => {
    const said = new Map<string, string>();
    for (const { language, text } of blocks(readFileSync('docs/tutorial.md', 'utf8'))) {
      const [, file] = /^# (\S+\.yaml)$/m.exec(text) ?? [];
      if (language === 'yaml' && file) project.write(file, text);
      if (language !== 'sh') continue;
      for (const line of text.trim().split('\n')) {
        const [program, ...args] = words(line);
        expect(program).toBe('panelflow');
        const { code, stdout, stderr } = await project.run(...args);
        expect(code, `${line}\n${stderr}`).toBe(0);
        said.set(line, `${said.get(line) ?? ''}${stdout}${stderr}`);
      }
    }
    expect(said.get('panelflow run first.yaml')).toContain('0 computed');
    expect(said.get('panelflow plugins yoto')).toContain('Source');
    expect(said.get('panelflow repeat last')).toMatch(/equal|same/i);
    expect(project.list('results/first')).toEqual(
      expect.arrayContaining(['report.html', 'summary.csv', 'metrics.csv', 'panels.csv', 'trace.tsv']),
    );
    expect(project.lines('results/first/summary.csv').some((line) => line.startsWith('yoto,'))).toBe(true);
    expect(project.has('mine.yaml')).toBe(true);
  }, 240_000);
});
