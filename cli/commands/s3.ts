import { join, resolve } from 'node:path';
import { gatewayBinary, startGateway } from '../embedded/versitygw.ts';
import { dim, say } from '../print.ts';
import { settings } from '../settings.ts';

const BUCKET = 'panelflow';

/** `panelflow s3`: a server that speaks S3, for this machine alone, until interrupted. Prints what to put into the environment to use it. */
export async function s3(flags: { readonly root?: string; readonly port: number; readonly json?: boolean }): Promise<number> {
  const set = settings();
  const root = resolve(flags.root ?? join('.panelflow', 's3'));
  const binary = await gatewayBinary({ cache: set.cache, given: set.gatewayBinary, say });
  const gateway = await startGateway(binary, root, flags.port);
  const onSignal = (): void => void gateway.stop();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const { endpoint, region, credentials } = gateway;
  try {
    const { S3Bucket } = await import('../../plugins/stores/_bucket.ts');
    await new S3Bucket(BUCKET, { client: { endpoint, region, credentials } }).create();
  } catch (error) {
    await gateway.stop();
    throw error;
  }
  const env = {
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
  if (flags.json) process.stdout.write(`${JSON.stringify({ endpoint, bucket: BUCKET, root, env })}\n`);
  else {
    say(`S3 at ${endpoint}, objects in ${root}. Ctrl-C stops it; what it holds stays. In another terminal:`);
    for (const [name, value] of Object.entries(env)) process.stdout.write(`export ${name}=${value}\n`);
    say(dim(`panelflow run FILE --work s3://${BUCKET}/work`));
  }
  return (await gateway.ended) === 0 ? 0 : 1;
}
