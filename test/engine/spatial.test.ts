import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasShared } from '../kit/shared-data.ts';
import { Project } from './_engine.ts';

let project: Project;
beforeAll(() => {
  project = new Project();
});
afterAll(() => project.close());

describe('the spatial pipeline', () => {
  it('predicts what shows in the picture of sections that it has not seen', async () => {
    const ended = await project.run('run', resolve('examples/spatial.yaml'));
    expect(ended.code, ended.stderr).toBe(0);
    const rows = project.lines('results/spatial/summary.csv').map((line) => line.split(','));
    const pcc = Object.fromEntries(rows.filter((row) => row[3] === 'pcc').map((row) => [row[0], Number(row[5])]));
    expect(pcc.mean).toBe(0);
    for (const predictor of ['pgl', 'agl-all', 'dkgsb']) expect(pcc[predictor], predictor).toBeGreaterThan(0.5);
    expect(project.lines('results/spatial/metrics.csv')).toHaveLength(1 + 4 * 3 * 4);
    const report = project.read('results/spatial/report.html');
    expect(report.match(/<image href="data:image\/jpeg/g)!.length).toBeGreaterThan(8);
    expect(report).toContain('download="curve-k.csv"');
    const again = await project.run('run', resolve('examples/spatial.yaml'));
    expect(again.stderr).toContain('33 cached');
    expect(project.read('results/spatial/report.html')).toBe(report);
  });

  it('tells in which line of the file a section or a picture is wrong', async () => {
    const file = project.write(
      'wrong.yaml',
      `pipeline: spatial\nparams:\n  slides:\n    uses: st\n    with:\n      sections:\n        - { data: none.h5ad, image: none.png }\n`,
    );
    const ended = await project.run('run', file);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('none.h5ad');
    expect(ended.stderr).toMatch(/wrong\.yaml:\d+:\d+/);
    const missing = project.write(
      'left.yaml',
      `pipeline: spatial\nparams:\n  slides: { uses: simulated, with: { across: 6, genes: 60, visible: 20 } }\n  encoder: stain\n  primary: [5]\n  leave_out: [S9]\n  predictors: [mean]\n`,
    );
    const run = await project.run('run', missing);
    expect(run.code).not.toBe(0);
    expect(run.stderr).toContain('There is no group "S9" in the column "section"');
  });

  it.runIf(hasShared).each(['her2st-folds', 'her2st-sections'])('takes %s.yaml', async (name) => {
    const ended = await project.run('plan', resolve(`test/acceptance/${name}.yaml`));
    expect([ended.code, ended.stderr]).toEqual([0, '']);
    expect(ended.stdout).toContain('predictor/dkgsb');
  });
});
