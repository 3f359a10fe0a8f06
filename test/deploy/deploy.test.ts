import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Metrics } from '../../workers/metrics.ts';
import { WORKFLOW_QUEUE } from '../../workers/worker.ts';
import { CLI, until } from '../engine/_engine.ts';

const files = (pattern: RegExp): string[] =>
  readdirSync('deploy', { recursive: true, encoding: 'utf8' })
    .map((name) => join('deploy', name))
    .filter((path) => pattern.test(path));
const texts = files(/\.(json|ya?ml|tpl|sbatch|service|md|example)$|Dockerfile/).map((path) => [path, readFileSync(path, 'utf8')] as const);
const help = (command: string): string => execFileSync(process.execPath, [CLI, command, '--help'], { encoding: 'utf8' });

describe('what stands in deploy/', () => {
  it('passes the tools that know its formats, as far as this machine has them', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/check-deploy.mjs'], { encoding: 'utf8' });
    expect(status, stdout + stderr).toBe(0);
  });

  it('uses flags that its commands have', () => {
    const flags: Record<string, string> = { worker: help('worker'), ui: help('ui') };
    const used = texts.flatMap(([path, text]) => {
      const lines = [...text.matchAll(/(?:args:|command:|CMD|panelflow)\W+(worker|ui)\b([^\n]*)/g)];
      // The chart has a flag a line.
      const args = path.endsWith('templates/workers.yaml') ? text.match(/ - --[a-z]+=/g)! : [];
      return [
        ...lines.map(([, command, rest]) => ({ path, command, rest: rest.split(/[\]`|&;]/)[0] })),
        { path, command: 'worker', rest: args.join() },
      ];
    });
    const named = used.flatMap(({ rest, ...where }) => (rest.match(/--[a-z]+/g) ?? []).map((flag) => ({ ...where, flag })));
    for (const { path, command, flag } of named) expect(flags[command], `${path}: ${command} ${flag}`).toContain(`${flag} `);
    const seen = new Set(named.map(({ flag }) => flag));
    for (const flag of ['--queue', '--listen', '--drain', '--log', '--slots', '--plugin', '--host', '--port']) expect(seen).toContain(flag);
  });

  it('sets variables that are read', () => {
    const sources = ['cli/settings.ts', 'workers/machine.ts', 'cli/embedded/binary.ts'].map((path) => readFileSync(path, 'utf8')).join('');
    for (const [path, text] of texts)
      for (const [name] of text.matchAll(/\b(?:PANELFLOW|TEMPORAL)_[A-Z_]*[A-Z]\b/g)) expect(sources, `${path}: ${name}`).toContain(name);
  });

  it('asks one port for health and metrics, and queues that workers serve', () => {
    for (const [path, text] of texts) {
      for (const [, port] of text.matchAll(/--listen[=" ,]+0\.0\.0\.0:(\d+)/g)) expect(port, path).toBe('9464');
      for (const [, queue] of text.matchAll(/--queue[=", ]+(\w+(?:,\w+)*)/g)) expect(['cpu', 'gpu', 'cpu,gpu'], path).toContain(queue);
    }
    expect(WORKFLOW_QUEUE).toBe('panelflow');
    const chart = readFileSync('deploy/helm/panelflow/templates/workers.yaml', 'utf8');
    expect(chart).toContain(`set $queues "${WORKFLOW_QUEUE}" "workflow"`);
  });

  it('waits longer for a worker than the worker drains', () => {
    const seconds = (text: string, pattern: RegExp): number => Number(pattern.exec(text)![1]);
    const unit = readFileSync('deploy/panelflow-worker@.service', 'utf8');
    expect(seconds(unit, /TimeoutStopSec=(\d+)/)).toBeGreaterThan(seconds(unit, /--drain (\d+)s/) + 10);
    // A signal to the whole group would end the step processes at once.
    expect(unit).toContain('KillMode=mixed');
    const compose = readFileSync('deploy/compose.yaml', 'utf8');
    expect(seconds(compose, /stop_grace_period: (\d+)s/)).toBeGreaterThan(seconds(compose, /--drain, (\d+)s/) + 10);
    const slurm = readFileSync('deploy/slurm/panelflow-worker.sbatch', 'utf8');
    expect(seconds(slurm, /--signal=B:TERM@(\d+)/)).toBeGreaterThan(seconds(slurm, /--drain (\d+)s/) + 10);
  });

  it('draws metrics that workers have', () => {
    const names = new Set(
      new Metrics('1', { cpu: 1 })
        .text({ processes: 0, bytes: 0 }, false)
        .concat(readFileSync('workers/metrics.ts', 'utf8'))
        .match(/panelflow_[a-z_]+/g),
    );
    const { panels } = JSON.parse(readFileSync('deploy/grafana/panelflow.json', 'utf8')) as { panels: { targets: { expr: string }[] }[] };
    for (const { expr } of panels.flatMap((panel) => panel.targets))
      for (const [name] of expr.matchAll(/panelflow_[a-z_]+/g))
        expect([...names], expr).toContain(name.replace(/_(bucket|sum|count)$/, ''));
  });

  it('holds no secret, and takes each from outside', () => {
    const { services } = parse(readFileSync('deploy/compose.yaml', 'utf8'), { merge: true }) as {
      services: Record<string, { environment?: Record<string, string> }>;
    };
    for (const [service, { environment = {} }] of Object.entries(services))
      for (const [name, value] of Object.entries(environment))
        if (/PASSWORD|PWD|SECRET|ACCESS_KEY|TOKEN/.test(name)) expect(value, `${service}: ${name}`).toMatch(/^\$\{\w+:\?[^}]+\}$/);
    expect(readFileSync('deploy/env.example', 'utf8')).not.toMatch(/^\w+=./m);
  });

  it('allows S3 no more than what is asked of it', () => {
    const { Statement } = JSON.parse(readFileSync('deploy/s3-policy.json', 'utf8')) as { Statement: { Action: string | string[] }[] };
    const actions = Statement.flatMap(({ Action }) => Action);
    const calls = ['plugins/stores', 'plugins/triggers']
      .flatMap((folder) => readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8')))
      .join('')
      .matchAll(/new sdk\.(\w+)Command/g);
    // The calls behind each action; the bucket of `panelflow s3` is made by its owner.
    const behind: Record<string, string[]> = {
      's3:PutObject': ['PutObject', 'CreateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload'],
      's3:GetObject': ['GetObject', 'HeadObject'],
      's3:GetObjectVersion': ['GetObject'],
      's3:ListBucketVersions': ['ListObjectVersions'],
      'sqs:DeleteMessage': ['DeleteMessageBatch'],
      's3:ListBucket': ['ListObjectsV2'],
    };
    const allowed = new Set(actions.flatMap((action) => behind[action] ?? [action.split(':')[1]]));
    const asked = new Set([...calls].map(([, call]) => call).filter((call) => call !== 'CreateBucket'));
    for (const call of asked) expect([...allowed], call).toContain(call);
    for (const action of actions) expect(action).not.toContain('*');
  });
});

describe('the Slurm job', () => {
  const folder = mkdtempSync(join(tmpdir(), 'panelflow-slurm-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const program = (name: string, text: string): void => writeFileSync(join(folder, name), `#!/bin/bash\n${text}\n`, { mode: 0o755 });
  const path = (name: string): string => join(folder, name);
  const env = { PATH: `${folder}:${process.env.PATH}`, USER: 'u', SLURM_JOB_ID: '77', TEMPORAL_ADDRESS: 'a:1', PANELFLOW_WORK: '/w' };
  const log = (): string => readFileSync(path('log'), 'utf8');

  it.each([
    ['the time limit', 'SIGTERM', ['draining', 'scontrol requeue 77']],
    ['an end for good', 'SIGINT', ['draining']],
  ] as const)('drains its worker before %s, and queues again only where that is meant', async (_, signal, expected) => {
    writeFileSync(path('log'), '');
    const note = (text: string): string => `echo "${text}" >>${path('log')}`;
    program('panelflow', `${note('worker $*')}; trap '${note('draining')}; sleep 0.3; exit 0' TERM; while :; do sleep 0.1; done`);
    program('scontrol', note('scontrol $*'));
    const job = spawn('bash', ['deploy/slurm/panelflow-worker.sbatch'], { env: { ...env, QUEUE: 'gpu' }, stdio: 'ignore' });
    const ended = new Promise<number | null>((done) => job.once('exit', done));
    await until(() => log().includes('worker'));
    await new Promise((wake) => setTimeout(wake, 300));
    job.kill(signal);
    expect(await ended).toBe(0);
    expect(log().trim().split('\n')).toEqual([expect.stringContaining('--queue gpu'), ...expected]);
  });

  it('does not queue again when its worker ended by itself', () => {
    writeFileSync(path('log'), '');
    program('panelflow', 'exit 3');
    expect(spawnSync('bash', ['deploy/slurm/panelflow-worker.sbatch'], { env }).status).toBe(3);
    expect(log()).toBe('');
  });
});
