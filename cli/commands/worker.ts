import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, ResourceError } from '../../core/errors.ts';
import type { QueueName } from '../../workers/worker.ts';
import { type Connected, connect } from '../connect.ts';
import { keepServer } from '../embedded/server.ts';
import { say } from '../print.ts';
import { type Settings, settings } from '../settings.ts';

export interface WorkerFlags {
  readonly queue: string;
  readonly address?: string;
  readonly namespace?: string;
  readonly work?: string;
  readonly slots?: number;
  readonly plugin?: string[];
  readonly build?: string;
  readonly deployment: string;
  readonly current?: boolean;
}

/** `panelflow worker --queue cpu,gpu`: serves task queues until interrupted. */
export async function worker(flags: WorkerFlags): Promise<number> {
  const queues = flags.queue.split(',').map((name) => name.trim());
  for (const name of queues)
    if (name !== 'cpu' && name !== 'gpu')
      throw new ConfigError(`There is no queue "${name}"`, { mend: 'Write --queue cpu, --queue gpu or --queue cpu,gpu.' });
  const set = settings(flags);
  if (flags.current && flags.build === undefined)
    throw new ConfigError('--current says nothing without --build', { mend: 'Name the build: --build 2026-12-01 --current.' });
  const connected = await connect(set, say);
  const { startWorker } = await import('../../workers/worker.ts');
  const running = await startWorker({
    reach: connected.reach,
    namespace: set.namespace,
    queues: queues as QueueName[],
    plugins: flags.plugin ?? [],
    ...(flags.slots === undefined ? {} : { slots: flags.slots }),
    ...(flags.build === undefined ? {} : { build: { deployment: flags.deployment, id: flags.build } }),
  });
  if (flags.current) await makeCurrent(connected, set, { deployment: flags.deployment, build: flags.build! });
  await connected.close();
  const letGo = set.address === undefined ? keepServer(set.local, { cache: set.cache, given: set.temporalBinary, say }) : () => {};
  say(`Serving ${queues.join(', ')} at ${connected.reach.address} (pid ${process.pid}). Ctrl-C stops.`);
  const onSignal = (): void => {
    letGo();
    say('Stopping… running steps are handed back.');
    void running.stop();
  };
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  await running.stopped;
  return 0;
}

/** The server hears of a build when its worker first asks for work. */
const PATIENCE_MS = 20_000;

/** New runs go to a build from now on; those that go on stay where they are. */
async function makeCurrent(
  { client }: Connected,
  { namespace }: Settings,
  { deployment, build }: { readonly deployment: string; readonly build: string },
): Promise<void> {
  for (const start = Date.now(); ; await sleep(300)) {
    try {
      await client.workflowService.setWorkerDeploymentCurrentVersion({
        namespace,
        deploymentName: deployment,
        buildId: build,
        ignoreMissingTaskQueues: true,
        allowNoPollers: false,
      });
      say(`New runs go to build ${build}.`);
      return;
    } catch (error) {
      if (Date.now() - start < PATIENCE_MS) continue;
      throw new ResourceError(`The server does not take build ${build} as the current one: ${(error as Error).message}`, {
        cause: error,
        mend: 'It wants Temporal 1.28 or newer.',
      });
    }
  }
}
