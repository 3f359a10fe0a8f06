import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { type BinaryOptions, temporalBinary } from '../../cli/embedded/binary.ts';
import { TUNING } from '../../cli/embedded/server.ts';
import { type Gateway, startGateway } from '../../cli/embedded/versitygw.ts';
import { launch, processes, type Running } from './_processes.ts';

const START_MS = 60_000;

/** Waits until a Temporal server knows the namespace `default`. */
export async function serves(address: string): Promise<void> {
  const end = Date.now() + START_MS;
  for (;;) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: '2s' });
      await connection.workflowService.describeNamespace({ namespace: 'default' }).finally(() => connection.close());
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(100);
    }
  }
}

/** What starts the embedded server's program at a port and with a database of its own, again and again with what it knew. */
export async function devServer(options: BinaryOptions, folder: string, port: number): Promise<() => Promise<Running>> {
  const { path } = await temporalBinary(options);
  const address = ['--ip', '127.0.0.1', '--port', String(port), '--headless'];
  const args = ['server', 'start-dev', ...address, '--db-filename', join(folder, 'temporal.db'), '--log-level', 'warn', ...TUNING];
  return async () => {
    const running = launch(path, args, { log: join(folder, 'temporal.log') });
    await Promise.race([serves(`127.0.0.1:${port}`), running.ended]);
    return running;
  };
}

/** What starts versitygw at a port, again and again with the same objects and keys, and how it is reached. */
export async function gatewayAt(
  binary: string,
  root: string,
  port: number,
): Promise<{ start: () => Promise<Running>; client: Pick<Gateway, 'endpoint' | 'region' | 'credentials'>; env: NodeJS.ProcessEnv }> {
  const start = async (): Promise<Gateway & Running> => {
    const gateway = await startGateway(binary, root, port);
    const { pid } = processes().find(({ parent, command }) => parent === process.pid && command.includes(`127.0.0.1:${port} posix`))!;
    return { ...gateway, pid };
  };
  const first = await start();
  await first.stop();
  const { endpoint, region, credentials } = first;
  const { accessKeyId, secretAccessKey } = credentials;
  const env = {
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
  return { start, client: { endpoint, region, credentials }, env };
}
