import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, isPanelflowError, ResourceError } from '../../core/errors.ts';
import { milliseconds } from '../../core/units.ts';
import type { QueueName } from '../../workers/worker.ts';
import { type Connected, connect } from '../connect.ts';
import { freePort, keepServer } from '../embedded/server.ts';
import { type Log, logAs, logTask } from '../log.ts';
import { duration, exitCode } from '../print.ts';
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
  readonly listen?: string;
  readonly drain: string;
  readonly log: string;
}

/** `panelflow worker --queue cpu,gpu`: serves task queues until interrupted. */
export async function worker(flags: WorkerFlags): Promise<number> {
  const log = logAs(flags.log);
  return flags.log === 'text' ? serve(flags, log) : serve(flags, log).catch((error: unknown) => failAs(error, log));
}

/** Says an error as a line of the log; gives the exit code. */
function failAs(error: unknown, log: Log): number {
  const { code, context, mend } = isPanelflowError(error) ? error : { code: 'BUG' };
  log('error', error instanceof Error ? error.message : String(error), { code, context, mend });
  return exitCode(error);
}

async function serve(flags: WorkerFlags, log: Log): Promise<number> {
  const say = (line: string): void => log('info', line);
  const queues = flags.queue.split(',').map((name) => name.trim());
  for (const name of queues)
    if (name !== 'cpu' && name !== 'gpu')
      throw new ConfigError(`There is no queue "${name}"`, { mend: 'Write --queue cpu, --queue gpu or --queue cpu,gpu.' });
  const drainMs = flags.drain === '0' ? 0 : milliseconds(flags.drain);
  if (!(drainMs >= 0)) throw new ConfigError(`--drain is "${flags.drain}", which is no time`, { mend: 'Write 90s, 5m or 0.' });
  const set = settings(flags);
  if (flags.current && flags.build === undefined)
    throw new ConfigError('--current says nothing without --build', { mend: 'Name the build: --build 2026-12-01 --current.' });
  const [{ startWorker }, { openProbes }] = await Promise.all([import('../../workers/worker.ts'), import('../../workers/probes.ts')]);
  const probes = flags.listen === undefined ? undefined : await openProbes(flags.listen);
  const connected = await connect(set, say);
  const running = await startWorker({
    reach: connected.reach,
    payloads: connected.payloads,
    namespace: set.namespace,
    queues: queues as QueueName[],
    plugins: flags.plugin ?? [],
    drainMs,
    onError: (message) => log('error', message),
    ...(flags.log === 'json' ? { onTask: (event, trace) => logTask(log, event, trace) } : {}),
    ...(probes ? { metricsPort: await freePort() } : {}),
    ...(flags.slots === undefined ? {} : { slots: flags.slots }),
    ...(flags.build === undefined ? {} : { build: { deployment: flags.deployment, id: flags.build } }),
  });
  // From here on there may be steps under way: a signal lets them end, and the next one ends the process.
  let isWanted = true;
  const onSignal = (): void => {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    isWanted = false;
    say(`Stopping… running steps have ${duration(drainMs)}; what is not ready then is handed back. Once more ends at once.`);
    // Who waits until it has stopped hears why it could not.
    running.stop().catch(() => {});
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  probes?.attach(running);
  if (flags.current)
    await makeCurrent({ connected, set, say, isWanted: () => isWanted }, { deployment: flags.deployment, build: flags.build! }).catch(
      (error: unknown) => running.stop().then(() => Promise.reject(error)),
    );
  await connected.close();
  const letGo = set.address === undefined ? keepServer(set.local, { cache: set.cache, given: set.temporalBinary, say }) : () => {};
  if (probes) say(`Health and metrics at port ${probes.port}.`);
  if (isWanted) say(`Serving ${queues.join(', ')} at ${connected.reach.address} (pid ${process.pid}). Ctrl-C stops.`);
  await running.stopped.finally(() => {
    letGo();
    probes?.close();
  });
  return 0;
}

/** The server hears of a build when its worker first asks for work. */
const PATIENCE_MS = 20_000;

/** New runs go to a build from now on; those that go on stay where they are. */
async function makeCurrent(
  {
    connected: { client },
    set: { namespace },
    say,
    isWanted,
  }: { readonly connected: Connected; readonly set: Settings; readonly say: (line: string) => void; readonly isWanted: () => boolean },
  { deployment, build }: { readonly deployment: string; readonly build: string },
): Promise<void> {
  for (const start = Date.now(); isWanted(); await sleep(300)) {
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
