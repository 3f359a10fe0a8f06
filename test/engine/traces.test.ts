import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Project, TOY } from './_engine.ts';

type Value = string | number | boolean;

interface Sent {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly status: { readonly code?: number; readonly message?: string };
  readonly events: readonly { readonly name: string }[];
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, Value> }[];
}

/** Spans of an OTLP receiver (HTTP, JSON). */
class Receiver {
  readonly spans: Sent[] = [];
  /** All that was sent, as text. */
  text = '';
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#take(request).then(() => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
    });
  }

  static start(): Promise<Receiver> {
    const receiver = new Receiver();
    return new Promise((done) => receiver.#server.listen(0, '127.0.0.1', () => done(receiver)));
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Spans of the newest run of that name. */
  of(name: string): Sent[] {
    const root = this.spans.findLast((span) => span.name === `run ${name}`);
    return this.spans.filter((span) => span.traceId === root?.traceId);
  }

  async #take(request: IncomingMessage): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    this.text += JSON.stringify(request.headers) + text;
    const sent = JSON.parse(text) as { resourceSpans: { scopeSpans: { spans: Sent[] }[] }[] };
    this.spans.push(...sent.resourceSpans.flatMap((r) => r.scopeSpans.flatMap((scope) => scope.spans)));
  }
}

const attributes = (span: Sent): Record<string, Value> =>
  Object.fromEntries(span.attributes.map(({ key, value }) => [key.replace('panelflow.', ''), Object.values(value)[0]]));

describe('a run that is traced', () => {
  const project = new Project();
  let receiver: Receiver;
  let address: string;
  const file = (): string =>
    project.write(
      'traced.yaml',
      `name: traced
plugins: [${TOY}]
axes: { n: [1, 2] }
steps:
  base: { uses: toy/number, with: { value: 5 } }
  frail: { uses: toy/short, in: { in: base.out }, with: { marker: ${project.path('marker')} } }
  tell: { uses: toy/tell, in: { in: frail.out }, with: { log: ${project.path('told')} } }
  add: { uses: toy/add, in: { in: tell.out }, with: { plus: '\${{ axis.n }}' } }
  bad: { uses: toy/bad, in: { in: tell.out } }
`,
    );
  const env = (): Record<string, string> => ({
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test',
    PANELFLOW_UI_TOKEN: 'a-token-that-is-secret',
    AWS_SECRET_ACCESS_KEY: 'another-secret',
  });

  beforeAll(async () => {
    receiver = await Receiver.start();
    ({ address } = JSON.parse((await project.run('server', 'start', '--json')).stdout) as { address: string });
  });
  afterAll(async () => {
    receiver.stop();
    await project.close();
  });

  it('is one tree from the command through the run and attempts at tasks to step processes, on whatever worker', async () => {
    const worker = project.startWith(env(), 'worker', '--address', address, '--queue', 'cpu', '--log', 'json', '--plugin', TOY);
    const ended = await project.runWith(env(), 'run', file(), '--address', address);
    expect(ended.code, ended.stderr).toBe(1);
    worker.child.kill('SIGTERM');
    const { stderr } = await worker.ended;

    const spans = receiver.of('traced');
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    expect(byId.size).toBe(spans.length);
    const roots = spans.filter((span) => !span.parentSpanId);
    expect(roots.map(({ name }) => name)).toEqual(['panelflow run']);
    const parents = (name: string): (string | undefined)[] =>
      spans.filter((span) => span.name === name).map((span) => byId.get(span.parentSpanId!)?.name);
    expect(parents('run traced')).toEqual(['panelflow run']);
    expect(parents('add (n=1)')).toEqual(['run traced']);
    expect(new Set(parents('process toy/add'))).toEqual(new Set(['add (n=1)', 'add (n=2)']));
    for (const span of spans) if (span.parentSpanId) expect(byId.has(span.parentSpanId), span.name).toBe(true);

    const add = attributes(spans.find(({ name }) => name === 'add (n=2)')!);
    expect(add).toMatchObject({ step: 'add', uses: 'toy/add', 'cell.n': 2, queue: 'cpu', attempt: 1, cached: false, status: 'completed' });
    expect([add.run, add.worker]).toEqual([expect.stringMatching(/^traced-/), expect.stringMatching(/^cpu:\d+@/)]);
    const frail = spans.filter(({ name }) => name === 'frail');
    expect(frail.map((span) => attributes(span)).map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, 'retried'],
      [2, 'completed'],
    ]);
    const bad = spans.find(({ name }) => name === 'bad')!;
    expect(bad).toMatchObject({ status: { code: 2, message: 'the data are bad' }, events: [{ name: 'exception' }] });

    // A step, and a program that it starts, hang their spans under its process.
    const [, trace, parent] = project.lines('told')[0].split('-');
    expect(trace).toBe(roots[0].traceId);
    expect(byId.get(parent)?.name).toBe('process toy/tell');
    const line = stderr.split('\n').find((text) => text.includes('"STARTED"') && text.includes('toy/add'))!;
    expect(JSON.parse(line)).toMatchObject({ trace_id: trace });
  });

  it('marks what was in the cache', async () => {
    const ended = await project.runWith(env(), 'run', file());
    expect(ended.stderr).toContain('cached');
    const spans = receiver.of('traced');
    const cached = spans.filter((span) => attributes(span).cached === true).map(({ name }) => name);
    expect(cached.toSorted()).toEqual(['add (n=1)', 'add (n=2)', 'base', 'frail', 'tell']);
    expect(spans.map(({ name }) => name)).toContain('panelflow run');
  });

  it('sends no secrets, and nothing at all where nobody asked for it', async () => {
    expect(receiver.text).toContain('deployment.environment');
    expect(receiver.text).not.toMatch(/a-token-that-is-secret|another-secret/);
    const before = receiver.spans.length;
    await project.runWith({ ...env(), OTEL_SDK_DISABLED: 'true' }, 'run', file());
    await project.run('run', file());
    expect(receiver.spans).toHaveLength(before);
  });

  it('ends as ever when nobody receives', async () => {
    const ended = await project.runWith(
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_EXPORTER_OTLP_TIMEOUT: '500' },
      'run',
      file(),
    );
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('1 failed');
  });
});
