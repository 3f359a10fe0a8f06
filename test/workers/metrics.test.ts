import { afterAll, describe, expect, it } from 'vitest';
import type { TaskEvent } from '../../activities/task-event.ts';
import { Metrics } from '../../workers/metrics.ts';
import { openProbes, type Probes } from '../../workers/probes.ts';

const EVENT = {
  run: 'r',
  task: 't',
  step: 's',
  uses: 'selector/random',
  cell: 'seed=17',
  axes: { seed: 17 },
  queue: 'cpu',
  worker: 'w',
  attempt: 1,
  at: 0,
} as const;
const event = (status: TaskEvent['status'], ms = 0, code?: string): TaskEvent => ({ ...EVENT, status, ms, ...(code ? { code } : {}) });

describe("a worker's metrics", () => {
  const metrics = new Metrics('1.2.3', { cpu: 4 });
  const text = (): string => metrics.text({ processes: 2, bytes: 1000 }, false);

  it('count tasks by step, end and error code, and how long they took', () => {
    for (const one of [event('STARTED'), event('COMPLETED', 700), event('STARTED'), event('CACHED', 3), event('STARTED')])
      metrics.take(one);
    metrics.take(event('AGAIN', 10, 'CRASH'));
    metrics.take(event('STARTED'));
    metrics.peak('selector/random', 500);
    metrics.peak('selector/random', 300);
    metrics.peak('selector/random', null);
    expect(text().split('\n')).toEqual(
      expect.arrayContaining([
        'panelflow_build_info{version="1.2.3"} 1',
        'panelflow_draining 0',
        'panelflow_slots{queue="cpu"} 4',
        'panelflow_tasks_running{queue="cpu"} 1',
        'panelflow_tasks_total{uses="selector/random",status="completed"} 1',
        'panelflow_tasks_total{uses="selector/random",status="cached"} 1',
        'panelflow_tasks_total{uses="selector/random",status="retried"} 1',
        'panelflow_task_failures_total{uses="selector/random",code="CRASH"} 1',
        'panelflow_task_seconds_bucket{uses="selector/random",le="0.5"} 0',
        'panelflow_task_seconds_bucket{uses="selector/random",le="1"} 1',
        'panelflow_task_seconds_bucket{uses="selector/random",le="+Inf"} 1',
        'panelflow_task_seconds_sum{uses="selector/random"} 0.7',
        'panelflow_task_seconds_count{uses="selector/random"} 1',
        'panelflow_step_memory_peak_bytes{uses="selector/random"} 500',
        'panelflow_memory_bytes{of="steps"} 1000',
        'panelflow_step_processes 2',
      ]),
    );
  });

  it('name no run and no cell, and keep names that hold quotes and lines in one line', () => {
    metrics.take({ ...event('FAILED', 1, 'a"\n\\'), uses: 'x/y' });
    expect(text()).not.toMatch(/seed=17|run=|"r"|"t"/);
    expect(text()).toContain('panelflow_task_failures_total{uses="x/y",code="a\\"\\n\\\\"} 1');
  });
});

describe('what a worker answers', () => {
  const open: Probes[] = [];
  afterAll(() => open.forEach((one) => one.close()));

  it('is alive from the start, ready when it asks for work, and says why when it does not', async () => {
    const probes = await openProbes('127.0.0.1:0');
    open.push(probes);
    const get = async (path: string, method = 'GET'): Promise<[number, string]> => {
      const response = await fetch(`http://127.0.0.1:${probes.port}${path}`, { method });
      return [response.status, await response.text()];
    };
    expect(await get('/healthz')).toEqual([200, 'ok\n']);
    expect(await get('/readyz')).toEqual([503, 'starting\n']);
    let why: string | undefined;
    probes.attach({ idle: async () => why, metrics: async () => 'a 1\n' });
    expect(await get('/readyz')).toEqual([200, 'ready\n']);
    expect(await get('/metrics?x=1')).toEqual([200, 'a 1\n']);
    why = 'draining';
    expect(await get('/readyz')).toEqual([503, 'draining\n']);
    expect(await get('/healthz', 'POST')).toEqual([405, 'GET only\n']);
    expect((await get('/../etc/passwd'))[0]).toBe(404);
    await expect(openProbes(`127.0.0.1:${probes.port}`)).rejects.toMatchObject({ code: 'RESOURCE' });
  });

  it.each(['nowhere', ':99999', 'http://localhost:80', '127.0.0.1:x'])('listens at no such place as %s', async (place) => {
    await expect(openProbes(place)).rejects.toMatchObject({ code: 'CONFIG' });
  });
});
