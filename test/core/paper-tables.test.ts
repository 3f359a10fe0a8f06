import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { builtinPipelines } from '../../runs/load.ts';
import { prepare } from '../../runs/prepare.ts';

const names = readdirSync('pipelines')
  .map((file) => basename(file, '.yaml'))
  .filter((name) => name.endsWith('-tables'));

afterEach(() => void vi.unstubAllEnvs());

describe('the papers, one command each', () => {
  test.each(names)('%s is planned by its name, in its small form', async (name) => {
    const { plan } = await prepare(name, { profiles: ['test'] });
    expect(plan.name).toBe(name);
    expect(plan.tasks.length).toBeGreaterThan(20);
    expect(new Set(plan.tasks.map((task) => task.step))).toContain('report');
  });

  test('run files are no pipelines', async () => {
    const known = await builtinPipelines();
    expect(known.toSorted()).toEqual(['benchmark', 'spatial', 'tables']);
    expect(names.toSorted()).toEqual(['agl-tables', 'markermap-tables', 'yoto-tables']);
  });

  test('files that are not beside theirs are taken from the folder that PANELFLOW_DATA names', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'panelflow-copies-'));
    for (const name of ['hest/st/TENX65.h5ad', 'hest/patches/TENX65.h5']) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), name);
    }
    vi.stubEnv('PANELFLOW_DATA', folder);
    const { plan } = await prepare('agl-tables', {});
    const [load] = plan.tasks.filter((task) => task.step === 'load');
    expect(load.files.map(({ path }) => path)).toEqual([join(folder, 'hest/st/TENX65.h5ad'), join(folder, 'hest/patches/TENX65.h5')]);
    vi.stubEnv('PANELFLOW_DATA', join(folder, 'nothing'));
    await expect(prepare('agl-tables', {})).rejects.toThrow(/TENX65\.h5ad" does not exist/);
  });

  test('wrong labels are tried where they are asked for, and nowhere else; panels are no larger than they may be', async () => {
    const set = [
      'datasets=[{as: a, data: simulated, tasks: [cell_type]}, {as: b, data: {uses: simulated, with: {cells: 300}}, tasks: [cell_type], most_k: 10}]',
      'k=[8, 16]',
      'selectors=[wilcoxon]',
      'evaluators=[knn]',
      'label_noise={datasets: [a], k: [16], fractions: [0, 0.5], in: [selection]}',
    ];
    const { plan } = await prepare('markermap-tables', { profiles: ['test'], set });
    const judged = plan.tasks.filter((task) => task.step === 'evaluate' && task.cell.seed === 0);
    expect(judged.map(({ cell }) => [cell.dataset, cell.k, cell.label_noise, cell.noise_in])).toEqual([
      ['a', 8, 0, undefined],
      ['a', 16, 0, undefined],
      ['a', 16, 0.5, 'selection'],
      ['b', 8, 0, undefined],
    ]);
  });
});
