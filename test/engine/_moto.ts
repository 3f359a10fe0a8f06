import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { freePort } from '../../cli/embedded/server.ts';
import { launch, type Running } from './_processes.ts';

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

function find(): string | undefined {
  const named = process.env.MOTO_SERVER || 'moto_server';
  try {
    execFileSync(named, ['--help'], { stdio: 'ignore' });
    return named;
  } catch {
    return undefined;
  }
}

/** The program that plays SQS (moto_server, or what MOTO_SERVER names); undefined where there is none: `pip install 'moto[server,s3,sqs]'`. */
export const moto = find();

export const MOTO_CLIENT = { region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } } as const;

/** A server of SQS and S3 that keeps all in memory, with a queue `drops`. */
export class Moto {
  readonly endpoint: string;
  readonly running: Running;
  /** Address of the queue. */
  readonly queue: string;
  readonly sqs: SQSClient;

  private constructor(port: number, running: Running) {
    this.endpoint = `http://127.0.0.1:${port}`;
    this.running = running;
    this.queue = `${this.endpoint}/123456789012/drops`;
    this.sqs = new SQSClient({ ...MOTO_CLIENT, endpoint: this.endpoint, maxAttempts: 1 });
  }

  static async start(folder: string, at?: number): Promise<Moto> {
    const port = at ?? (await freePort());
    const server = new Moto(port, launch(moto!, ['-H', '127.0.0.1', '-p', String(port)], { log: join(folder, 'moto.log') }));
    for (let tries = 0; ; tries++) {
      const isMade = await server.sqs.send(new CreateQueueCommand({ QueueName: 'drops' })).then(
        () => true,
        () => false,
      );
      if (isMade) return server;
      if (tries > 300) throw new Error('moto did not start');
      await sleep(100);
    }
  }
}
