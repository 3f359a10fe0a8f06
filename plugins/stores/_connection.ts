import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';

type Sdk = typeof import('@aws-sdk/client-s3');

/** The SDK, and a client that goes to one server. */
export interface Connection {
  readonly sdk: Sdk;
  readonly client: S3Client;
  /** The server's address, or AWS and the region; known with the first request. */
  endpoint: string | undefined;
}

let ours: Promise<Connection> | undefined;

/** The connection to the server that the environment names. */
export const shared = (): Promise<Connection> => (ours ??= connect());

/** The SDK is loaded with the first request, so that commands which need no S3 start without it. */
export async function connect(config: S3ClientConfig = {}): Promise<Connection> {
  // The SDK would warn on standard error that its releases of 2027 leave Node 20; ours is pinned.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const sdk = await import('@aws-sdk/client-s3');
  const client = new sdk.S3Client({
    maxAttempts: 6,
    followRegionRedirects: true,
    // We send and check SHA-256 ourselves; servers other than AWS stumble over checksums in trailers.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 30_000 },
    ...config,
  });
  const connection: Connection = { sdk, client, endpoint: undefined };
  const provide = client.config.endpointProvider;
  client.config.endpointProvider = (params, context) => {
    connection.endpoint = params.Endpoint === undefined ? `AWS ${params.Region}` : new URL(params.Endpoint).origin;
    return provide({ ...params, ForcePathStyle: params.Endpoint !== undefined }, context);
  };
  return connection;
}
