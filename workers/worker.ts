import { existsSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, type TLSConfig, Worker } from '@temporalio/worker';
import { createEngineActivities, createStepActivities } from '../activities/index.ts';
import { createLaunchActivities } from '../activities/launch.ts';
import { createWatchActivities } from '../activities/watch.ts';
import { ResourceError } from '../core/errors.ts';
import { loadRegistry, openStore } from './compose.ts';
import { environment } from './environment.ts';
import { ProcessPool } from './pool.ts';

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
  readonly namespace: string;
  readonly queues: readonly QueueName[];
  /** Steps computed at a time on each queue; the default is the number of cores for cpu, and 1 for gpu. */
  readonly slots?: number;
  readonly plugins?: readonly string[];
  /** Steps are sure to be computed: their processes start at once. */
  readonly isBusy?: boolean;
  /** Runs stay with the build that they began with; new ones go to the build that is current. */
  readonly build?: { readonly deployment: string; readonly id: string };
}

/** Workers of one process: one for workflows, one for each queue, over one pool of step processes. */
export interface RunningWorker {
  /** Resolves when the worker has stopped; rejects when it broke. */
  readonly stopped: Promise<void>;
  /** Hands running steps back to the server at once and stops. */
  stop(): Promise<void>;
}

let installed = false;
function installRuntime(): void {
  if (installed) return;
  installed = true;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    shutdownSignals: [],
    telemetryOptions: { logging: { forward: {}, filter: 'off' } },
  });
}

/** The prebuilt bundle beside the compiled code, or the workflows' source. */
function workflowCode(): { workflowBundle: { codePath: string } } | { workflowsPath: string } {
  const bundle = fileURLToPath(new URL('../workflow-bundle.cjs', import.meta.url));
  if (existsSync(bundle)) return { workflowBundle: { codePath: bundle } };
  return { workflowsPath: fileURLToPath(new URL(`../workflows/index${extname(import.meta.url)}`, import.meta.url)) };
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

/** Connects and starts to serve. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  installRuntime();
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
  const registry = await loadRegistry(options.plugins ?? []);
  const identity = `${process.pid}@${hostname()}`;
  const engine = {
    ...createEngineActivities({ openStore, worker: identity }),
    ...createLaunchActivities({
      begin: async (order, launcher) => (await import('../runs/launch.ts')).begin(order, launcher),
      conclude: async (request, progress) => (await import('../runs/launch.ts')).conclude(request, progress),
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
  const shared = {
    connection,
    namespace: options.namespace,
    identity,
    shutdownGraceTime: 0,
    shutdownForceTime: '10s',
    ...HEARTBEATS,
    ...versioned(options.build),
  } as const;
  const workers = [
    await Worker.create({ ...shared, ...workflowCode(), taskQueue: WORKFLOW_QUEUE, activities: engine, maxCachedWorkflows: 200 }),
  ];
  for (const queue of options.queues) {
    const activities = createStepActivities(registry.names, { openStore, runner: pool, worker: `${queue}:${identity}`, environment });
    workers.push(
      await Worker.create({ ...shared, taskQueue: `panelflow-${queue}`, activities, maxConcurrentActivityTaskExecutions: slots[queue] }),
    );
  }
  const stopped = Promise.all(workers.map((w) => w.run())).then(
    () => pool.close(),
    (error: unknown) => {
      pool.close();
      throw error;
    },
  );
  return {
    stopped: stopped.finally(() => connection.close()),
    stop: async () => {
      for (const w of workers) if (w.getState() === 'RUNNING') w.shutdown();
      await stopped;
    },
  };
}
