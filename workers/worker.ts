import { existsSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataConverter, PayloadCodec } from '@temporalio/common';
import { DefaultLogger, NativeConnection, Runtime, type TLSConfig, Worker } from '@temporalio/worker';
import { createEngineActivities, createStepActivities } from '../activities/index.ts';
import type { TaskEvent } from '../activities/task-event.ts';
import { createLaunchActivities } from '../activities/launch.ts';
import { createWatchActivities } from '../activities/watch.ts';
import { ResourceError } from '../core/errors.ts';
import { loadRegistry, openStore } from './compose.ts';
import { environment } from './environment.ts';
import { Metrics } from './metrics.ts';
import { type PayloadCipher, UnknownPayloadKeyError } from './payload-cipher.ts';
import { ProcessPool } from './pool.ts';
import type { Probed } from './probes.ts';
import { openTraces, type Traces } from './traces.ts';

export type QueueName = 'cpu' | 'gpu';

/** The task queue of workflows and of the engine's own activities; every worker serves it. */
export const WORKFLOW_QUEUE = 'panelflow';

/** A running step hears that it is cancelled when its heartbeat reaches the server: so seldom, at most. */
const HEARTBEATS = { maxHeartbeatThrottleInterval: '2s', defaultHeartbeatThrottleInterval: '2s' } as const;

/** How a Temporal server is reached: `host:port`, TLS where it speaks that, and a key that goes with every request. */
export interface Reach {
  readonly address: string;
  readonly tls?: TLSConfig;
  readonly apiKey?: string;
}

export interface WorkerOptions {
  readonly reach: Reach;
  /** Encrypts what the server keeps. */
  readonly payloads: PayloadCipher;
  readonly namespace: string;
  readonly queues: readonly QueueName[];
  /** Steps computed at a time on each queue; the default is the number of cores for cpu, and 1 for gpu. */
  readonly slots?: number;
  readonly plugins?: readonly string[];
  /** Steps are sure to be computed: their processes start at once. */
  readonly isBusy?: boolean;
  /** Runs stay with the build that they began with; new ones go to the build that is current. */
  readonly build?: { readonly deployment: string; readonly id: string };
  /** Steps under way when the worker stops may go on for so long; the default is not at all. */
  readonly drainMs?: number;
  /** Hears of every task that begins and ends, and of the trace that it belongs to. */
  readonly onTask?: (event: TaskEvent, trace: string | undefined) => void;
  /** Hears of errors of Temporal's own. */
  readonly onError?: (message: string) => void;
  /** A free port of this machine, where Temporal's own metrics are to be had. */
  readonly metricsPort?: number;
}

/** Workers of one process: one for workflows, one for each queue, over one pool of step processes. */
export interface RunningWorker extends Probed {
  /** Resolves when the worker has stopped; rejects when it broke. */
  readonly stopped: Promise<void>;
  /** Asks for no more work, hands back what is not ready in time, and stops. */
  stop(): Promise<void>;
}

let installed = false;
function installRuntime({ onError = (text) => void process.stderr.write(`${text}\n`), metricsPort }: WorkerOptions): void {
  if (installed) return;
  installed = true;
  const prometheus = { bindAddress: `127.0.0.1:${metricsPort}`, countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true };
  Runtime.install({
    logger: new DefaultLogger('ERROR', ({ message, meta }) => {
      const error = meta?.error as (Error & { readonly type?: string }) | undefined;
      // The worker stops for it, and says it itself.
      if (error instanceof UnknownPayloadKeyError || error?.type === UnknownPayloadKeyError.name) return;
      onError([message, error?.message].filter(Boolean).join(': '));
    }),
    shutdownSignals: [],
    telemetryOptions: {
      logging: { forward: {}, filter: 'off' },
      ...(metricsPort === undefined ? {} : { metrics: { prometheus } }),
    },
  });
}

const beside = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The prebuilt bundle beside the compiled code, or the workflows' source. Where payloads are encrypted, failures are made in another way. */
function workflowCode(isEncrypted: boolean): { workflowBundle: { codePath: string } } | { workflowsPath: string } {
  const bundle = beside(isEncrypted ? '../workflow-bundle-encrypted.cjs' : '../workflow-bundle.cjs');
  if (existsSync(bundle)) return { workflowBundle: { codePath: bundle } };
  return { workflowsPath: beside(`../workflows/index${extname(import.meta.url)}`) };
}

/** What a worker converts its data with; `refuse` hears of a key that is missing. */
function converterOf(payloads: PayloadCipher, refuse: (error: UnknownPayloadKeyError) => void): DataConverter {
  const codec: PayloadCodec = {
    encode: (given) => payloads.encode(given),
    decode: (given) =>
      payloads.decode(given).catch((error: unknown) => {
        if (error instanceof UnknownPayloadKeyError) refuse(error);
        throw error;
      }),
  };
  return {
    payloadCodecs: [codec],
    ...(payloads.isOn ? { failureConverterPath: beside(`./failure-converter${extname(import.meta.url)}`) } : {}),
  };
}

const versioned = (build: WorkerOptions['build']): Pick<Parameters<typeof Worker.create>[0], 'workerDeploymentOptions'> =>
  build === undefined
    ? {}
    : {
        workerDeploymentOptions: {
          version: { deploymentName: build.deployment, buildId: build.id },
          useWorkerVersioning: true,
          defaultVersioningBehavior: 'PINNED',
        },
      };

/** How long a worker that stops waits for its activities, and how long for what they say when they are cancelled then. */
const stopsWithin = (ms: number): { shutdownGraceTime: number; shutdownForceTime: number } => ({
  shutdownGraceTime: ms,
  shutdownForceTime: ms + 10_000,
});

const ANSWER_MS = 2_000;

/** What there is at an address of this machine; nothing when it does not answer. */
const textAt = (address: string): Promise<string> =>
  fetch(address, { signal: AbortSignal.timeout(ANSWER_MS) }).then(
    (response) => response.text(),
    () => '',
  );

/** The activities that every worker serves: of runs, of what starts them, and of watches. */
function engineActivities(identity: string, traces: Traces | undefined): object {
  return {
    ...createEngineActivities({ openStore, worker: identity, onFound: traces?.task }),
    ...createLaunchActivities({
      begin: async (order, launcher) => (await import('../runs/launch.ts')).begin(order, launcher),
      conclude: async (request, progress) => {
        const concluded = await (await import('../runs/launch.ts')).conclude(request, progress);
        // Where results are written here, no command goes along with the run.
        if (traces && typeof request.after?.out === 'string') {
          const { recordOf } = await import('../runs/records.ts');
          traces.run({ record: await recordOf(openStore(request.work), request.run), progress, exit: null });
        }
        return concluded;
      },
      deliver: async (work, channel, notice) => {
        await (await import('../notify/deliver.ts')).deliver(notice, channel, { store: openStore(work) });
      },
    }),
    ...createWatchActivities({
      openStore,
      openBucket: async (name) => new (await import('../plugins/stores/_bucket.ts')).S3Bucket(name),
      openQueue: async (url) => new (await import('../plugins/triggers/sqs.ts')).SqsQueue(url),
    }),
  };
}

/** Connects and starts to serve. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  installRuntime(options);
  const cores = availableParallelism();
  const slots = { cpu: options.slots ?? cores, gpu: options.slots === undefined ? 1 : Math.max(1, Math.floor(options.slots / 2)) };
  const pool = new ProcessPool({
    threads: cores,
    plugins: options.plugins ?? [],
    keep: options.queues.reduce((sum, q) => sum + slots[q], 0),
  });
  if (options.isBusy) pool.warm(slots.cpu);
  const connection = await NativeConnection.connect(options.reach).catch((error: unknown) => {
    pool.close();
    throw new ResourceError(`No Temporal server answers at ${options.reach.address}`, {
      cause: error,
      mend: 'Check the address, or leave --address out to use the embedded server.',
    });
  });
  const [registry, traces] = await Promise.all([loadRegistry(options.plugins ?? []), openTraces()]);
  const identity = `${process.pid}@${hostname()}`;
  let refused: UnknownPayloadKeyError | undefined;
  const shared = {
    connection,
    namespace: options.namespace,
    identity,
    dataConverter: converterOf(options.payloads, (error) => {
      // It would be given the same task again and again, and others that it spoils.
      refused ??= error;
      shutDown();
    }),
    ...HEARTBEATS,
    ...versioned(options.build),
  } as const;
  const workers = [
    await Worker.create({
      ...shared,
      ...workflowCode(options.payloads.isOn),
      taskQueue: WORKFLOW_QUEUE,
      activities: engineActivities(identity, traces),
      maxCachedWorkflows: 200,
      ...stopsWithin(0),
    }),
  ];
  const { packageVersion } = await import('../runs/load.ts');
  const metrics = new Metrics(await packageVersion(), Object.fromEntries(options.queues.map((queue) => [queue, slots[queue]])));
  const deps = {
    openStore,
    environment,
    runner: {
      run: async (...[job, how]: Parameters<ProcessPool['run']>) => {
        const span = job.traceparent === undefined ? undefined : traces?.step(job.uses, job.traceparent);
        try {
          const outcome = await pool.run({ ...job, traceparent: span?.traceparent }, how);
          metrics.peak(job.uses, outcome.peakRssBytes);
          span?.ended(outcome);
          return outcome;
        } catch (error) {
          span?.failed(error);
          throw error;
        }
      },
    },
    traceparentOf: traces?.traceparentOf,
    onTask: (event: TaskEvent) => {
      metrics.take(event);
      traces?.task(event);
      options.onTask?.(event, traces?.idOf(event.run));
    },
  };
  for (const queue of options.queues) {
    const activities = createStepActivities(registry.names, { ...deps, worker: `${queue}:${identity}` });
    workers.push(
      await Worker.create({
        ...shared,
        taskQueue: `panelflow-${queue}`,
        activities,
        maxConcurrentActivityTaskExecutions: slots[queue],
        ...stopsWithin(options.drainMs ?? 0),
      }),
    );
  }
  const runs = workers.map((w) => w.run());
  const shutDown = (): void => {
    for (const w of workers) if (w.getState() === 'RUNNING') w.shutdown();
  };
  const serve = async (): Promise<void> => {
    try {
      await Promise.all(runs);
      if (refused) throw refused;
    } catch (error) {
      // What the others have under way ends as it would in a worker that is told to stop.
      shutDown();
      await Promise.allSettled(runs);
      throw error;
    } finally {
      pool.close();
      await Promise.all([connection.close(), traces?.close()]);
    }
  };
  const stopped = serve();
  const isPolling = (): boolean => workers.every((w) => w.getState() === 'RUNNING');
  return {
    stopped,
    idle: async () => {
      if (!isPolling()) return 'draining';
      const asked = connection.withDeadline(Date.now() + ANSWER_MS, () => connection.workflowService.getSystemInfo({}));
      return asked.then(
        () => undefined,
        () => 'the Temporal server does not answer',
      );
    },
    metrics: async () => {
      const theirs = options.metricsPort === undefined ? '' : await textAt(`http://127.0.0.1:${options.metricsPort}/metrics`);
      return metrics.text(pool.state, !isPolling()) + theirs;
    },
    stop: async () => {
      shutDown();
      await stopped;
    },
  };
}
