import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { CLI, Project } from './_engine.ts';

/** Users that may stand for machines, where tests run as root. */
const USERS = ['nobody', 'daemon', 'games', 'bin'] as const;

function runs(file: string, ...args: string[]): boolean {
  try {
    execFileSync(file, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function canPartWays(): boolean {
  const name = `pf-try-${process.pid}`;
  if (process.getuid?.() !== 0 || !runs('ip', 'netns', 'add', name)) return false;
  const user = ['setpriv', '--reuid', USERS[0], '--clear-groups', process.execPath, CLI, '--version'];
  const can = runs('ip', 'netns', 'exec', name, 'unshare', '--uts', ...user);
  return runs('ip', 'netns', 'del', name) && can;
}

/** True where each machine can have a network, a name and a user of its own; else they only have folders of their own. */
export const arePartedHere = canPartWays();
if (!arePartedHere) process.stderr.write('No network namespaces or users here: machines differ by their folders alone.\n');

let count = 0;

/** A machine for tests: a folder that no other may read, a name, a user, and a network with nothing in it but the servers it is cabled to. */
export class Machine extends Project {
  readonly name: string;
  readonly #network: string;
  readonly #cables: Cable[] = [];
  protected override readonly through: readonly string[];

  constructor(name: string) {
    super();
    this.name = name;
    const number = ++count;
    this.#network = `10.213.${number}`;
    this.env = { HOME: this.folder, PANELFLOW_CACHE: this.path('cache') };
    mkdirSync(this.path('cache'));
    this.through = arePartedHere ? this.#part(USERS[number - 1]) : [];
  }

  /** Lets the machine reach a server at 127.0.0.1 of this one; gives the address that it has there. */
  async cable(port: number): Promise<string> {
    const cable = await Cable.lay(arePartedHere ? `${this.#network}.1` : '127.0.0.1', port);
    this.#cables.push(cable);
    return cable.address;
  }

  /** Sets environment variables of all that runs there. */
  set(env: Readonly<Record<string, string>>): void {
    this.env = { ...this.env, ...env };
  }

  override async close(): Promise<void> {
    await super.close();
    for (const cable of this.#cables) cable.cut();
    if (arePartedHere) execFileSync('ip', ['netns', 'del', this.#space]);
  }

  get #space(): string {
    return `pf-${process.pid}-${this.#network.split('.')[2]}`;
  }

  /** Makes the network and gives the folder away; gives what commands run through. */
  #part(user: string): string[] {
    const ip = (...args: string[]): unknown => execFileSync('ip', args);
    const [space, near] = [this.#space, `pf${process.pid}-${this.#network.split('.')[2]}`];
    ip('netns', 'add', space);
    ip('link', 'add', near, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space);
    ip('addr', 'add', `${this.#network}.1/30`, 'dev', near);
    ip('link', 'set', near, 'up');
    ip('-n', space, 'addr', 'add', `${this.#network}.2/30`, 'dev', 'eth0');
    ip('-n', space, 'link', 'set', 'eth0', 'up');
    ip('-n', space, 'link', 'set', 'lo', 'up');
    const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, user])));
    for (const path of [this.folder, this.path('cache')]) chownSync(path, uid, gid);
    const become = `hostname ${this.name} && exec setpriv --reuid ${uid} --regid ${gid} --clear-groups "$@"`;
    return ['ip', 'netns', 'exec', space, 'unshare', '--uts', 'sh', '-c', become, 'sh'];
  }
}

/** A way from an address of its own to a port of 127.0.0.1. */
class Cable {
  readonly address: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server;
    this.#sockets = sockets;
    const { address, port } = server.address() as { address: string; port: number };
    this.address = `${address}:${port}`;
  }

  static lay(host: string, to: number): Promise<Cable> {
    const sockets = new Set<Socket>();
    const server = createServer((near) => {
      const far = connect(to, '127.0.0.1');
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ]) {
        sockets.add(socket);
        socket.pipe(other);
        socket.on('error', () => other.destroy()).on('close', () => sockets.delete(socket));
      }
    });
    return new Promise((done) => server.listen(0, host, () => done(new Cable(server, sockets))));
  }

  cut(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
