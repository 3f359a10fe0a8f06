import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StepJob, StepOutcome } from '../../activities/runner.ts';
import type { ArtifactStore } from '../../core/store.ts';
import { encode } from '../../data/portable.ts';
import { simulateAtlas } from '../../data/simulate.ts';
import simulated from '../../plugins/readers/simulated.ts';
import normalize from '../../plugins/transforms/normalize.ts';
import { Random } from '../../stats/random.ts';
import type { ArtifactRef } from '../../schemas/artifact.ts';
import { testContext, tinySplit } from '../kit/tiny-atlas.ts';
import { killSteps, Project, until } from './_engine.ts';

// Built code: step processes load JavaScript only.
const { ProcessPool } = (await import(resolve('dist/workers/pool.js'))) as typeof import('../../workers/pool.ts');
const { openStore } = (await import(resolve('dist/workers/compose.js'))) as typeof import('../../workers/compose.ts');

const EVERY_MS = 150;

describe('a training whose process is killed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'panelflow-training-'));
  const random = new Random(Date.now());
  let pool: InstanceType<typeof ProcessPool>;
  let store: ArtifactStore;
  let inputs: Record<string, ArtifactRef>;

  beforeAll(async () => {
    pool = new ProcessPool({ threads: 1, plugins: [], keep: 1, env: { TF_NUM_INTRAOP_THREADS: '1' } });
    store = openStore(folder);
    const atlas = simulateAtlas(simulated.params.parse({ cells: 1200, genes: 800 }));
    const { data } = (await normalize.run(testContext(), { data: atlas }, normalize.params.parse({}))).outputs;
    inputs = { data: await store.put(encode(data), 'dataset'), split: await store.put(encode(tinySplit(atlas)), 'split') };
  });
  afterAll(() => {
    pool.close();
    rmSync(folder, { recursive: true });
  });

  const job = (key: string): StepJob => ({
    work: folder,
    uses: 'selector/yoto',
    params: { k: 20, tasks: [{ column: 'cell_type' }], epochs: 120 },
    seed: 3,
    inputs,
    missing: {},
    memoryBytes: null,
    until: 1,
    checkpoint: { key, everyMs: EVERY_MS, last: null },
  });

  /** Runs the step; kills its process so many milliseconds after its first sign of progress. */
  async function attempt(key: string, killAfter: number): Promise<{ outcome?: StepOutcome; checkpoints: number; fractions: number[] }> {
    const fractions: number[] = [];
    let checkpoints = 0;
    let timer: NodeJS.Timeout | undefined;
    const onProgress = (fraction: number): void => {
      fractions.push(fraction);
      if (killAfter < Number.POSITIVE_INFINITY) timer ??= setTimeout(() => killSteps(process.pid), killAfter);
    };
    try {
      const outcome = await pool.run(job(key), { signal: new AbortController().signal, onProgress, onCheckpoint: () => checkpoints++ });
      return { outcome, checkpoints, fractions };
    } catch (error) {
      expect(error).toMatchObject({ code: 'RESOURCE', retryable: true });
      return { checkpoints, fractions };
    } finally {
      clearTimeout(timer);
    }
  }

  it('goes on from its last checkpoint, after ten kills at random moments, to the same panel and weights', async () => {
    const whole = await attempt('whole', Number.POSITIVE_INFINITY);
    const wanted = whole.outcome!.outputs;
    let kills = 0;
    let last: Awaited<ReturnType<typeof attempt>>;
    let reached = 0;
    do {
      last = await attempt('killed', kills < 10 ? 100 + 400 * random.uniform() : Number.POSITIVE_INFINITY);
      // What was lost is less than what a training does in one interval and the time that saving takes.
      if (reached > 0 && last.fractions.length > 0) expect(last.fractions[0]).toBeGreaterThan(reached - 0.25);
      reached = last.fractions.at(-1) ?? reached;
      if (!last.outcome) kills++;
    } while (!last.outcome);
    expect(kills).toBeGreaterThanOrEqual(3);
    expect(last.outcome.outputs).toEqual(wanted);
    expect(last.outcome.log.join()).toContain('Goes on from a checkpoint');
  }, 120_000);
});

describe('a run whose step process is killed while it trains', () => {
  const project = new Project();
  afterAll(() => project.close());

  it('ends with the same files as one that was left alone, and the checkpoint is gone', async () => {
    const file = (name: string): string =>
      project.write(
        `${name}.yaml`,
        `pipeline: benchmark
name: ${name}
params:
  data: { uses: simulated, with: { cells: 900, genes: 500 } }
  tasks: [cell_type]
  seeds: [0]
  k: [12]
  selectors: [{ uses: yoto, with: { epochs: 150 } }]
  evaluators: [builtin]
resources:
  selector/yoto: { checkpoint: 0.2s }
`,
      );
    const killed = project.start('run', file('killed'), '--work', 'one');
    const checkpoints = (): string[] => project.list('one/checkpoints');
    await until(() => checkpoints().length > 0, 60_000);
    expect(killSteps(killed.child.pid)).toBeGreaterThan(0);
    const { code, stderr } = await killed.ended;
    expect(stderr).not.toContain('error');
    expect(code).toBe(0);
    expect((await project.run('run', file('whole'), '--work', 'two')).code).toBe(0);
    const trained = project.trace('killed').find((row) => row.step === 'select')!;
    expect(trained.attempt).toBe('2');
    for (const name of ['panels.csv', 'metrics.csv', 'models/seed=0_selector=yoto_k=12_task=cell_type.model'])
      expect(project.bytes(`results/killed/${name}`).equals(project.bytes(`results/whole/${name}`))).toBe(true);
    expect(checkpoints()).toEqual([]);
    expect((await project.run('server', 'stop', '--work', 'one')).code).toBe(0);
    await project.run('server', 'stop', '--work', 'two');
  }, 180_000);
});
