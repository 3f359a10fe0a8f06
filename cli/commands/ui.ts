import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { platform } from 'node:os';
import { ConfigError, isPanelflowError } from '../../core/errors.ts';
import { openStore } from '../../workers/compose.ts';
import { connect } from '../connect.ts';
import { keepServer } from '../embedded/server.ts';
import { bold, say } from '../print.ts';
import type { RunsFlags } from '../runs.ts';
import { settings } from '../settings.ts';
import { isLoopback } from '../ui/guard.ts';
import { Reader } from '../ui/reader.ts';
import { type UiOptions, UiServer } from '../ui/server.ts';

/** The port where it is free and none is named. */
const PORT = 7878;

export interface UiFlags extends RunsFlags {
  readonly host: string;
  readonly port?: number;
  readonly token?: string;
  readonly open?: boolean;
}

/** `panelflow ui`: the dashboard, until interrupted. Beyond this machine everybody must show a token. */
export async function ui(flags: UiFlags): Promise<number> {
  const host = flags.host.replace(/^\[(.*)\]$/, '$1');
  const set = settings(flags);
  const given = flags.token ?? set.uiToken;
  if (given !== undefined && !/^[\w.~-]{16,}$/.test(given))
    throw new ConfigError(`${flags.token === undefined ? 'PANELFLOW_UI_TOKEN' : '--token'}: that is no token`, {
      mend: 'Give 16 or more letters and digits, or leave it out: one is made up.',
    });
  const token = given ?? (isLoopback(host) ? undefined : randomBytes(24).toString('base64url'));
  const connected = await connect(set, say);
  const letGo = set.address === undefined ? keepServer(set.local, { cache: set.cache, given: set.temporalBinary, say }) : () => {};
  try {
    const server = await listen(new Reader(connected, openStore(set.work), set), { host, token, folder: process.cwd() }, flags.port);
    const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
    // A token out of the environment is a secret that no log should hold.
    const query = token === undefined ? '' : `?token=${token === set.uiToken ? '…' : token}`;
    const page = `http://${shown}:${server.port}/${query}`;
    if (flags.json) process.stdout.write(`${JSON.stringify({ event: 'ui', url: page, port: server.port })}\n`);
    else say(`Dashboard: ${bold(page)}  Ctrl-C ends it; runs go on.`);
    if (flags.open) browse(page);
    await new Promise<void>((done) => process.once('SIGINT', () => done()).once('SIGTERM', () => done()));
    await server.close();
    return 0;
  } finally {
    letGo();
    await connected.close();
  }
}

/** Listens at the port that was named, else at the usual one, else at any that is free. */
async function listen(reader: Reader, options: Omit<UiOptions, 'port'>, port: number | undefined): Promise<UiServer> {
  if (port !== undefined) return UiServer.open(reader, { ...options, port });
  return UiServer.open(reader, { ...options, port: PORT }).catch((error: unknown) => {
    if (isPanelflowError(error) && error.context.code === 'EADDRINUSE') return UiServer.open(reader, { ...options, port: 0 });
    throw error;
  });
}

/** Shows a page in the user's browser; where there is none, the address that was printed must do. */
function browse(page: string): void {
  const [file, ...args] = { darwin: ['open'], win32: ['cmd', '/c', 'start', ''] }[platform() as string] ?? ['xdg-open'];
  spawn(file, [...args, page], { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref();
}
