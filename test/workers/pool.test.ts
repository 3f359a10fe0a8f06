import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { StepOutcome } from '../../activities/runner.ts';
import { CLI, killSteps, TOY, until } from '../engine/_engine.ts';

// Built code: step processes load JavaScript only.
const { ProcessPool } = (await import(resolve(dirname(CLI), '../workers/pool.js'))) as typeof import('../../workers/pool.ts');

describe('a pool of step processes', () => {
  const work = mkdtempSync(join(tmpdir(), 'panelflow-pool-'));
  const pool = new ProcessPool({ threads: 1, plugins: [TOY], keep: 1 });
  afterAll(() => {
    pool.close();
    rmSync(work, { recursive: true });
  });
  const add = (value: number, signal = new AbortController().signal): Promise<StepOutcome> =>
    pool.run(
      {
        work,
        uses: 'toy/number',
        params: { value },
        seed: 0,
        inputs: {},
        missing: {},
        memoryBytes: null,
        until: 1,
        checkpoint: { key: 'none', everyMs: Infinity, last: null },
      },
      { signal, onProgress: () => {}, onCheckpoint: () => {} },
    );

  /** Until the killed processes are gone, and the pool has heard of it. */
  const gone = async (): Promise<void> => {
    await until(() => killSteps(process.pid) === 0);
    await new Promise((wake) => setTimeout(wake, 500));
  };

  it('starts another process when one was killed that had nothing to do', async () => {
    expect((await add(1)).facts).toEqual({ value: 1 });
    expect(killSteps(process.pid)).toBe(1);
    await gone();
    expect((await add(2)).facts).toEqual({ value: 2 });
  });

  it('starts another process when one was killed that was started before there was work', async () => {
    killSteps(process.pid);
    await gone();
    pool.warm(1);
    await until(() => killSteps(process.pid) === 1);
    await gone();
    expect((await add(3)).facts).toEqual({ value: 3 });
  });

  it('does not begin a step that was cancelled while its process started', async () => {
    killSteps(process.pid);
    await gone();
    const stop = new AbortController();
    const asked = add(4, stop.signal);
    stop.abort(new Error('no more'));
    await expect(asked).rejects.toThrow('no more');
    expect((await add(5)).facts).toEqual({ value: 5 });
  });
});
