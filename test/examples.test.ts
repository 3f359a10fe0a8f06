import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Project } from './engine/_engine.ts';
import { hasScikit, WHY_NOT, withPython } from './engine/_python.ts';

let project: Project;
beforeAll(() => {
  project = new Project();
});
afterAll(() => project.close());

/** Run by tests that look at what comes out. */
const ON_THEIR_OWN = ['command.yaml', 'k-fold.yaml'];
const files = readdirSync('examples').filter((name) => name.endsWith('.yaml'));

describe('every example', () => {
  for (const name of files) {
    it(`${name} is free of mistakes and plans`, async () => {
      const ended = await project.run('plan', resolve('examples', name));
      expect([ended.code, ended.stderr]).toEqual([0, '']);
      expect(ended.stdout).toContain('report');
    });
  }

  for (const name of files.filter((file) => !ON_THEIR_OWN.includes(file))) {
    it(`${name} runs`, async () => {
      const ended = await project.run('run', resolve('examples', name), '--quiet');
      expect(ended.code, ended.stderr).toBe(0);
      const results = `results/${name.replace('.yaml', '')}`;
      expect(project.read(`${results}/report.html`)).toContain('</html>');
      expect(project.lines(`${results}/summary.csv`).length).toBeGreaterThan(1);
      expect(new Set(project.trace(name.replace('.yaml', '')).map(({ status }) => status))).not.toContain('FAILED');
    });
  }

  it('k-fold.yaml runs, and every cell is tested once', async () => {
    const ended = await project.run('run', resolve('examples/k-fold.yaml'));
    expect(ended.code, ended.stderr).toBe(0);
    const rows = project.lines('results/k-fold/summary.csv').filter((line) => line.includes(',forest,accuracy,'));
    expect(rows.map((line) => line.split(',')[5])).toEqual(Array.from({ length: 6 }, () => '5'));
    const mean = (selector: string): number => Number(rows.find((line) => line.startsWith(`${selector},16,`))!.split(',')[6]);
    expect(mean('wilcoxon')).toBeGreaterThan(mean('random') + 0.2);
  });

  it('command.yaml runs: a selector and an evaluator in Python stand beside built-in ones, the selector asked once a seed', async ({
    skip,
  }) => {
    skip(!hasScikit, WHY_NOT);
    const python = withPython(project);
    const ended = await project.runWith(python, 'run', resolve('examples/command.yaml'));
    expect(ended.code, ended.stderr).toBe(0);
    const rows = project.lines('results/command/summary.csv').filter((line) => line.includes(',accuracy,'));
    const mean = (selector: string, evaluator: string): number =>
      Number(rows.find((line) => line.startsWith(`${selector},16,cell_type,${evaluator},`))!.split(',')[6]);
    for (const evaluator of ['forest', 'svm']) expect(mean('mutual-information', evaluator)).toBeGreaterThan(mean('random', evaluator));
    expect(Math.abs(mean('wilcoxon', 'svm') - mean('wilcoxon', 'forest'))).toBeLessThan(0.1);
    expect(project.trace('command').filter(({ step }) => step === 'select')).toHaveLength(6);
    const again = await project.runWith(python, 'run', resolve('examples/command.yaml'));
    expect(again.stderr).toContain('0 computed');
  });
});

describe('the server binary', () => {
  it('that does not run is refused with its path', async () => {
    const own = new Project();
    const { code, stderr } = await own.runWith({ PANELFLOW_TEMPORAL_BIN: '/nowhere/temporal' }, 'run', resolve('examples/k-fold.yaml'));
    expect(code).toBe(1);
    expect(stderr).toContain('PANELFLOW_TEMPORAL_BIN does not run');
    expect(stderr).toContain('/nowhere/temporal');
    await own.close();
  });
});
