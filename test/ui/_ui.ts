import { request } from 'node:http';
import type { Ended, Started } from '../engine/_engine.ts';
import { Project, TOY } from '../engine/_engine.ts';

/** An answer of the dashboard's server. */
interface Heard {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** What a request says beside its path. */
interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** A dashboard that runs. */
export class Dashboard {
  readonly url: string;
  readonly port: number;
  readonly #started: Started;

  private constructor(started: Started, { url, port }: { readonly url: string; readonly port: number }) {
    this.#started = started;
    this.url = url;
    this.port = port;
  }

  static async open(project: Project, ...flags: string[]): Promise<Dashboard> {
    const started = project.start('ui', '--json', ...flags);
    const said = new Promise<string>((done) => started.child.stdout?.once('data', (chunk: Buffer) => done(chunk.toString())));
    const first = await Promise.race([said, started.ended.then(({ stderr, stdout }) => Promise.reject(new Error(stderr + stdout)))]);
    return new Dashboard(started, JSON.parse(first) as { url: string; port: number });
  }

  close(): Promise<Ended> {
    this.#started.child.kill('SIGTERM');
    return this.#started.ended;
  }

  /** Asks as any program could: nothing is added that a browser would add. */
  ask(path: string, { method = 'GET', headers = {}, body }: Asking = {}): Promise<Heard> {
    return new Promise((done, fail) => {
      const asked = request({ host: '127.0.0.1', port: this.port, path, method, headers }, (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
        answer.on('end', () => done({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
      });
      asked.on('error', fail);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  async get<T>(path: string): Promise<T> {
    const { status, text } = await this.ask(path);
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
    return JSON.parse(text) as T;
  }

  /** Orders something as the page does. */
  post(path: string, body: unknown = {}): Promise<Heard> {
    const headers = { 'content-type': 'application/json', origin: `http://127.0.0.1:${this.port}` };
    return this.ask(path, { method: 'POST', headers, body });
  }
}

/** A sweep of 6 seeds and 3 sizes: a number that is a fact, an addition of `ms` milliseconds, one task that fails, and a list. */
export function toySweep(project: Project, name: string, ms: number): string {
  return project.write(
    `${name}.yaml`,
    `name: ${name}
plugins: [${TOY}]
axes: { seed: [0, 1, 2, 3, 4, 5], k: [8, 16, 32] }
steps:
  base: { uses: toy/number, with: { value: '\${{ axis.k * 10 + axis.seed }}' } }
  add: { uses: toy/add, in: { in: base.out }, with: { plus: 1, ms: ${ms}, log: ${project.path(`${name}.log`)} } }
  bad: { uses: toy/bad, in: { in: add.out }, when: '\${{ axis.k == 8 && axis.seed == 1 }}' }
  list: { uses: toy/list, in: { all: { from: add.out, gather: all } } }
`,
  );
}
