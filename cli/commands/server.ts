import { ConfigError } from '../../core/errors.ts';
import { ensureServer, findServer, stopServer } from '../embedded/server.ts';
import { say } from '../print.ts';
import { settings } from '../settings.ts';

/** `panelflow server start|stop|status`: the embedded server of a work folder. */
export async function server(action: string, flags: { readonly work?: string; readonly json?: boolean }): Promise<number> {
  const set = settings(flags);
  if (action === 'stop') {
    const stopped = await stopServer(set.local);
    say(stopped ? 'The server has stopped; its runs are kept.' : 'No server was up for this folder.');
    return 0;
  }
  if (action !== 'start' && action !== 'status')
    throw new ConfigError(`There is no action "${action}"`, { mend: 'Write start, stop or status.' });
  const found =
    action === 'start' ? await ensureServer(set.local, { cache: set.cache, given: set.temporalBinary, say }) : await findServer(set.local);
  if (flags.json) process.stdout.write(`${JSON.stringify(found ?? null)}\n`);
  else
    process.stdout.write(
      found
        ? `up: ${found.address}, pages at ${found.ui}, version ${found.version}, pid ${found.pid}\n`
        : 'no server is up for this folder\n',
    );
  return found ? 0 : 1;
}
