import { ConfigError } from '../../core/errors.ts';
import type { QueueName } from '../../workers/worker.ts';
import { connect } from '../connect.ts';
import { say } from '../print.ts';
import { settings } from '../settings.ts';

export interface WorkerFlags {
  readonly queue: string;
  readonly address?: string;
  readonly namespace?: string;
  readonly work?: string;
  readonly slots?: number;
  readonly plugin?: string[];
}

/** `panelflow worker --queue cpu,gpu`: serves task queues until interrupted. */
export async function worker(flags: WorkerFlags): Promise<number> {
  const queues = flags.queue.split(',').map((name) => name.trim());
  for (const name of queues)
    if (name !== 'cpu' && name !== 'gpu')
      throw new ConfigError(`There is no queue "${name}"`, { mend: 'Write --queue cpu, --queue gpu or --queue cpu,gpu.' });
  const set = settings(flags);
  const connected = await connect(set, say);
  await connected.close();
  const { startWorker } = await import('../../workers/worker.ts');
  const running = await startWorker({
    address: connected.address,
    namespace: set.namespace,
    queues: queues as QueueName[],
    plugins: flags.plugin ?? [],
    ...(flags.slots === undefined ? {} : { slots: flags.slots }),
  });
  say(`Serving ${queues.join(', ')} at ${connected.address} (pid ${process.pid}). Ctrl-C stops.`);
  const onSignal = (): void => {
    say('Stopping… running steps are handed back.');
    void running.stop();
  };
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  await running.stopped;
  return 0;
}
