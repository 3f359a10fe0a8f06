import { createHash } from 'node:crypto';
import type { Attributes, Context, Span } from '@opentelemetry/api';
import type { StepOutcome } from '../activities/runner.ts';
import type { TaskEvent } from '../activities/task-event.ts';
import type { Progress, RunRecord } from '../schemas/run.ts';
import { variable } from './machine.ts';

/** What names an attempt at a task. */
type Attempt = Pick<TaskEvent, 'run' | 'task' | 'at'>;

/** A step process at work, as a span. */
export interface StepSpan {
  /** What the process and its programs hang their own spans under (W3C Trace Context). */
  readonly traceparent: string;
  ended(outcome: StepOutcome): void;
  failed(error: unknown): void;
}

/** How a run ended, for its span. */
export interface RunSpan {
  readonly record: Pick<RunRecord, 'run' | 'name' | 'started'>;
  readonly progress: Progress;
  /** The exit code of the command that went along with it; null where none did. */
  readonly exit: number | null;
}

/**
 * Spans of runs, sent to the OTLP receiver that OTEL_EXPORTER_OTLP_ENDPOINT names. Ids follow from the names of runs and tasks, so that commands
 * and workers build one trace for each run without a word to each other: command, run, attempts at tasks, step processes.
 */
export interface Traces {
  /** The trace of a run: 32 hexadecimal digits. */
  readonly idOf: (run: string) => string;
  /** The span of an attempt, before it is sent. */
  readonly traceparentOf: (attempt: Attempt) => string;
  /** An attempt has ended; what begins is not told of. */
  readonly task: (event: TaskEvent) => void;
  /** A step process begins under the span that a traceparent names. */
  readonly step: (uses: string, traceparent: string) => StepSpan;
  readonly run: (span: RunSpan) => void;
  /** Sends what is left. Never rejects: who computes has no use for that. */
  readonly close: () => Promise<void>;
}

/** Instances that a process opens share what sends. */
let opened: Promise<Traces | undefined> | undefined;

/** Spans, where the environment asks for them; else nothing is loaded. */
export function openTraces(): Promise<Traces | undefined> {
  const isAsked = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'].some((name) => variable(name) !== undefined);
  if (!isAsked || variable('OTEL_SDK_DISABLED') === 'true' || variable('OTEL_TRACES_EXPORTER') === 'none')
    return Promise.resolve(undefined);
  return (opened ??= open());
}

const digits = (text: string, length: number): string => createHash('sha256').update(text).digest('hex').slice(0, length);
const traceOf = (run: string): string => digits(`panelflow trace\n${run}`, 32);
const spanOf = (...names: readonly (string | number)[]): string => digits(['panelflow span', ...names].join('\n'), 16);
const taskSpan = ({ run, task, at }: Attempt): string => spanOf('task', run, task, at, process.pid);

const STATUS: Readonly<Record<string, string>> = { AGAIN: 'retried' };

async function open(): Promise<Traces> {
  const [{ ROOT_CONTEXT, SpanKind, SpanStatusCode, trace }, sdk, { OTLPTraceExporter }, resources, { packageVersion }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
    import('../runs/load.ts'),
  ]);
  const version = await packageVersion();
  const random = new sdk.RandomIdGenerator();
  /** The ids of the next span. */
  const next: { trace?: string | undefined; span?: string | undefined } = {};
  const provider = new sdk.TracerProvider({
    idGenerator: {
      generateTraceId: () => next.trace ?? random.generateTraceId(),
      generateSpanId: () => next.span ?? random.generateSpanId(),
    },
    // Later ones win: the user's own names.
    resource: resources
      .resourceFromAttributes({ 'service.name': 'panelflow', 'service.version': version, 'process.pid': process.pid })
      .merge(resources.detectResources({ detectors: [resources.hostDetector] }))
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  });
  const tracer = provider.getTracer('panelflow', version);
  const under = (traceId: string, spanId: string): Context =>
    trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: 1, isRemote: true });
  const parented = (traceparent: string): Context => {
    const [, traceId, spanId] = traceparent.split('-');
    return under(traceId, spanId);
  };
  /** Begins a span with the ids that it is to have. */
  const begin = (
    name: string,
    { parent, start, attributes, ...ids }: { parent: Context; start: number; attributes: Attributes; trace?: string; span?: string },
  ): Span => {
    Object.assign(next, { trace: ids.trace, span: ids.span });
    const span = tracer.startSpan(name, { kind: SpanKind.INTERNAL, startTime: start, attributes }, parent);
    Object.assign(next, { trace: undefined, span: undefined });
    return span;
  };
  const blame = (span: Span, message: string, code?: string): void => {
    span.recordException({ message, ...(code === undefined ? {} : { name: code, code }) });
    span.setStatus({ code: SpanStatusCode.ERROR, message });
  };
  return {
    idOf: traceOf,
    traceparentOf: (attempt) => `00-${traceOf(attempt.run)}-${taskSpan(attempt)}-01`,
    task(event) {
      const { run, task, step, uses, cell, axes, queue, worker, attempt, status, at, ms, code, message } = event;
      if (status === 'STARTED') return;
      const cells = Object.entries(axes).map(([axis, value]) => [`panelflow.cell.${axis}`, value] as const);
      const span = begin(cell === '' ? step : `${step} (${cell})`, {
        parent: under(traceOf(run), spanOf('run', run)),
        span: taskSpan(event),
        start: at,
        attributes: {
          ...Object.fromEntries(cells),
          ...{ 'panelflow.run': run, 'panelflow.task': task, 'panelflow.step': step, 'panelflow.uses': uses, 'panelflow.queue': queue },
          ...{ 'panelflow.worker': worker, 'panelflow.attempt': attempt, 'panelflow.cached': status === 'CACHED' },
          'panelflow.status': STATUS[status] ?? status.toLowerCase(),
        },
      });
      if (message !== undefined) blame(span, message, code);
      span.end(Math.max(at, status === 'CACHED' ? at + ms : Date.now()));
    },
    step(uses, traceparent) {
      const parent = parented(traceparent);
      const span = begin(`process ${uses}`, { parent, start: Date.now(), attributes: { 'panelflow.uses': uses } });
      const { traceId, spanId } = span.spanContext();
      return {
        traceparent: `00-${traceId}-${spanId}-01`,
        ended({ ms, cpuMs, peakRssBytes }) {
          span.setAttribute('panelflow.ms', ms);
          if (cpuMs !== null) span.setAttribute('panelflow.cpu_ms', cpuMs);
          if (peakRssBytes !== null) span.setAttribute('panelflow.memory_peak_bytes', peakRssBytes);
          span.end();
        },
        failed(error) {
          const { message, code } = error as { message?: string; code?: string };
          blame(span, message ?? String(error), code);
          span.end();
        },
      };
    },
    run({ record: { run, name, started: start }, progress, exit }) {
      const count = (key: 'done' | 'cached' | 'failed' | 'skipped'): number => progress.steps.reduce((sum, step) => sum + step[key], 0);
      const [done, cached, failed, skipped] = [count('done'), count('cached'), count('failed'), count('skipped')];
      const ids = { trace: traceOf(run), start };
      const end = Date.now();
      if (exit !== null) {
        const attributes = { 'panelflow.run': run, 'process.exit.code': exit };
        begin('panelflow run', { ...ids, parent: ROOT_CONTEXT, span: spanOf('command', run), attributes }).end(end);
      }
      const counts = { 'panelflow.computed': done, 'panelflow.cached': cached, 'panelflow.failed': failed, 'panelflow.skipped': skipped };
      const span = begin(`run ${name}`, {
        ...ids,
        parent: exit === null ? ROOT_CONTEXT : under(traceOf(run), spanOf('command', run)),
        span: spanOf('run', run),
        attributes: { 'panelflow.run': run, 'panelflow.name': name, ...counts },
      });
      if (failed > 0 || progress.stopped !== '')
        span.setStatus({ code: SpanStatusCode.ERROR, message: progress.stopped || `${failed} failed` });
      span.end(end);
    },
    close: () => provider.forceFlush().catch(() => {}),
  };
}
