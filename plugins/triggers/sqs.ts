import type { SQSClient, SQSClientConfig } from '@aws-sdk/client-sqs';
import { ConfigError, type PanelflowError, ResourceError } from '../../core/errors.ts';

/** A message that is taken out of the queue only by its receipt. */
export interface Message {
  readonly receipt: string;
  readonly text: string;
}

type Sdk = typeof import('@aws-sdk/client-sqs');
interface Connection {
  readonly sdk: Sdk;
  readonly client: SQSClient;
}

/** Who takes messages has so long, in seconds, before they come to others. */
const HIDDEN_S = 30;
/** As many as SQS gives, or takes back, at a time. */
const MOST = 10;

const ABSENT = new Set(['QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue']);
const DENIED = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'InvalidClientTokenId',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
]);
const NO_KEYS = new Set(['CredentialsProviderError', 'TokenProviderError']);

async function connect(config: SQSClientConfig): Promise<Connection> {
  // As for S3: the release is pinned, and its warning about the Node of 2027 says nothing to users.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const sdk = await import('@aws-sdk/client-sqs');
  return { sdk, client: new sdk.SQSClient({ maxAttempts: 4, ...config }) };
}

const connections = new Map<string, Promise<Connection>>();

/** The connection for a queue: that of the region in its address, where there is one. */
function connectionFor(region: string | undefined): Promise<Connection> {
  const found = connections.get(region ?? '') ?? connect(region === undefined ? {} : { region });
  connections.set(region ?? '', found);
  return found;
}

const regionIn = (address: string): string | undefined =>
  /^arn:aws[\w-]*:sqs:([\w-]+):/.exec(address)?.[1] ?? /^https:\/\/sqs\.([\w-]+)\.amazonaws\./.exec(address)?.[1];

/** A queue of SQS, by its URL. Every error is one of ours. */
export class SqsQueue {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** Finds a queue by URL, ARN or name; ConfigError when there is none, or it must not be read. */
  static async find(address: string): Promise<SqsQueue> {
    const isUrl = /^https?:\/\//.test(address);
    const url = await send(address, async ({ sdk, client }) => {
      const QueueName = address.split(':').at(-1);
      return isUrl ? address : ((await client.send(new sdk.GetQueueUrlCommand({ QueueName }))).QueueUrl ?? '');
    });
    await send(url, ({ sdk, client }) => client.send(new sdk.GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] })));
    return new SqsQueue(url);
  }

  /** Waits up to so many seconds (at most 20) for messages, at most ten; none when it is told to stop. */
  async receive(seconds: number, signal: AbortSignal): Promise<Message[]> {
    const asked = { QueueUrl: this.url, MaxNumberOfMessages: MOST, WaitTimeSeconds: seconds, VisibilityTimeout: HIDDEN_S };
    const answer = await send(this.url, ({ sdk, client }) =>
      client.send(new sdk.ReceiveMessageCommand(asked), { abortSignal: signal }).catch((error: unknown) => {
        if (signal.aborted) return { Messages: [] };
        throw error;
      }),
    );
    return (answer.Messages ?? []).map(({ ReceiptHandle = '', Body = '' }) => ({ receipt: ReceiptHandle, text: Body }));
  }

  /** Takes messages out of the queue; those that have come to others meanwhile stay. */
  async remove(receipts: readonly string[]): Promise<void> {
    for (let at = 0; at < receipts.length; at += MOST) {
      const Entries = receipts.slice(at, at + MOST).map((ReceiptHandle, i) => ({ Id: String(i), ReceiptHandle }));
      await send(this.url, ({ sdk, client }) => client.send(new sdk.DeleteMessageBatchCommand({ QueueUrl: this.url, Entries })));
    }
  }
}

async function send<T>(queue: string, request: (connection: Connection) => Promise<T>): Promise<T> {
  try {
    return await request(await connectionFor(regionIn(queue)));
  } catch (error) {
    throw fault(error as Error & { readonly code?: string }, queue);
  }
}

function fault(error: Error & { readonly code?: string }, queue: string): PanelflowError {
  const { name, message } = error;
  const context = { queue, reason: error.code ?? name };
  const wrong = (says: string, mend: string): ConfigError => new ConfigError(says, { cause: error, context, mend });
  if (ABSENT.has(name)) return wrong('The SQS queue does not exist', 'Check its URL and region, or create it.');
  if (DENIED.has(name))
    return wrong(
      'The SQS queue must not be read',
      'The credentials need sqs:ReceiveMessage, sqs:DeleteMessage and sqs:GetQueueAttributes on it.',
    );
  if (NO_KEYS.has(name))
    return wrong('There are no credentials for SQS', 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.');
  if (message === 'Region is missing') return wrong('No region is set for SQS', 'Set AWS_REGION.');
  return new ResourceError('SQS does not answer', {
    cause: error,
    context,
    mend: 'Check the network, and AWS_ENDPOINT_URL_SQS where it is no queue of AWS.',
  });
}
