import { Client, Connection } from '@temporalio/client';
import { ResourceError } from '../core/errors.ts';
import { ensureServer, findServer } from './embedded/server.ts';
import type { Settings } from './settings.ts';

export interface Connected {
  readonly client: Client;
  readonly address: string;
  /** Address of the embedded server's web pages; undefined for a cluster of the user's own. */
  readonly ui: string | undefined;
  close(): Promise<void>;
}

/** Connects to the cluster that the user names, else to the embedded server. */
export async function connect(settings: Settings, say: (line: string) => void, start = true): Promise<Connected> {
  let ui: string | undefined;
  let { address } = settings;
  if (address === undefined) {
    const options = { cache: settings.cache, given: settings.temporalBinary, say };
    const server = start ? await ensureServer(settings.local, options) : await findServer(settings.local);
    if (!server)
      throw new ResourceError('No server is up for this folder', {
        context: { work: settings.work },
        mend: '`panelflow run FILE` starts one.',
      });
    ({ address, ui } = server);
  }
  const connection = await Connection.connect({ address, connectTimeout: '5s' }).catch((error: unknown) => {
    throw new ResourceError(`No Temporal server answers at ${address}`, {
      cause: error,
      mend: 'Check --address or TEMPORAL_ADDRESS, or leave it out to use the embedded server.',
    });
  });
  return { client: new Client({ connection, namespace: settings.namespace }), address, ui, close: () => connection.close() };
}
