import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ledger } from '../../activities/ledger.ts';
import { FileStore } from '../../plugins/stores/fs.ts';
import type { DropRecord, DropState } from '../../schemas/watch.ts';
import { Project, type Started } from './_engine.ts';

export const DROPS = resolve('test/fixtures/toy/drops.mjs');

/** A project with watches. */
export class WatchProject extends Project {
  readonly #env: Record<string, string>;
  readonly #started: Started[] = [];

  constructor(env: Record<string, string>) {
    super();
    this.#env = env;
  }

  /** Writes a file that reads a drop and notes what it read in NAME.log; gives its path. */
  reading(name: string): string {
    return this.write(
      `${name}.yaml`,
      `name: ${name}
plugins: [${DROPS}]
params: { data: { type: string }, word: { type: string, default: '' } }
steps:
  read: { uses: drop/read, with: { path: "\${{ params.data }}", word: "\${{ params.word }}", log: ${this.path(`${name}.log`)} } }
`,
    );
  }

  /** Starts a watch that goes on. */
  watch(...args: string[]): Started {
    const started = this.startWith(this.#env, 'watch', ...args);
    this.#started.push(started);
    return started;
  }

  command(...args: string[]): ReturnType<Project['run']> {
    return this.runWith(this.#env, 'watch', ...args);
  }

  ledger(name: string): Ledger {
    return new Ledger(new FileStore(this.path('.panelflow')), name);
  }

  /** Waits until so many versions stand so; gives all. */
  async until(name: string, counts: Partial<Record<DropState, number>>, limitMs = 180_000): Promise<DropRecord[]> {
    for (const end = Date.now() + limitMs; ; await sleep(100)) {
      const drops = await this.ledger(name).all();
      if (Object.entries(counts).every(([state, n]) => drops.filter((drop) => drop.state === state).length === n)) return drops;
      if (Date.now() > end) throw new Error(`waited too long: ${JSON.stringify(drops)}`);
    }
  }

  /** Ends a watch's command; gives what it said. */
  async end(started: Started, signal: NodeJS.Signals = 'SIGINT'): Promise<string> {
    started.child.kill(signal);
    const { code, stderr } = await started.ended;
    if (signal === 'SIGINT' && code !== 0) throw new Error(stderr);
    return stderr;
  }

  override async close(): Promise<void> {
    for (const started of this.#started) await this.end(started, 'SIGKILL');
    await super.close();
  }
}

/** What an event of S3 says. */
export function eventOf(bucket: string, key: string, { etag, version }: { etag?: string; version?: string | undefined } = {}): string {
  const encoded = encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/');
  const s3 = { bucket: { name: bucket }, object: { key: encoded, size: 1, eTag: etag, versionId: version } };
  return JSON.stringify({ Records: [{ eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', s3 }] });
}
