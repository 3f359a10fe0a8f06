import { createHash } from 'node:crypto';
import { ConfigError } from '../core/errors.ts';
import type { ArtifactStore } from '../core/store.ts';
import type { DeadLetter, Drop, DropRecord, WatchRecord } from '../schemas/watch.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);
/** What is kept of a message that could not be read. */
const DEAD_BYTES = 4096;
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1, -'.json'.length);

/** What makes a version of an object this one. */
export const dropHash = (bucket: string, key: string, mark: string): string => sha256([bucket, key, mark].join('\n'));

/**
 * What became of every version that a watch has seen: one record each, which moves from waiting/ to running/ to drops/. It is written where it
 * goes before it is removed where it was; so who looks in that order misses none, and the later place counts.
 */
export class Ledger {
  readonly #store: ArtifactStore;
  readonly #folder: string;

  constructor(store: ArtifactStore, watch: string) {
    this.#store = store;
    this.#folder = `watches/${watch}`;
  }

  static watches(store: ArtifactStore): Promise<string[]> {
    return store.listFolders('watches/');
  }

  async watch(): Promise<WatchRecord> {
    const record = await this.#read<WatchRecord>('watch');
    if (record) return record;
    throw new ConfigError(`There is no watch "${this.#folder.slice('watches/'.length)}" in this store`, {
      mend: '`panelflow watch list` shows all; name another store with --work.',
    });
  }

  async hasWatch(): Promise<boolean> {
    return (await this.#read('watch')) !== undefined;
  }

  setUp(record: WatchRecord): Promise<void> {
    return this.#write('watch', record);
  }

  /** Forgets the watch and all that it has seen. */
  forget(): Promise<void> {
    return this.#store.removeRecords(`${this.#folder}/`);
  }

  /** Where a version is: its record, unless it only waits. */
  async beyondWaiting(hash: string): Promise<DropRecord | undefined> {
    return (await this.#read<DropRecord>(`running/${hash}`)) ?? this.ended(hash);
  }

  ended(hash: string): Promise<DropRecord | undefined> {
    return this.#read(`drops/${hash}`);
  }

  /** Notes that a version waits, unless it does not any more; gives the record that counts. */
  async wait(record: DropRecord): Promise<DropRecord> {
    const path = waitingPath(record);
    const known = await this.#read<DropRecord>(path);
    const next = known ? { ...known, message: record.message } : record;
    if (known === undefined || known.message !== next.message) await this.#write(path, next);
    const beyond = await this.beyondWaiting(record.hash);
    if (beyond) await this.#remove(path);
    return beyond ?? next;
  }

  /** Notes that a version does not wait. */
  leave(drop: Drop): Promise<void> {
    return this.#remove(waitingPath(drop));
  }

  /** Notes that a version runs since then, unless it does so already. */
  async begin(drop: Drop, at: number): Promise<DropRecord> {
    const path = waitingPath(drop);
    const under = await this.#read<DropRecord>(`running/${drop.hash}`);
    if (under) return under;
    const seen = (await this.#read<DropRecord>(path))?.seen ?? at;
    const record: DropRecord = { ...drop, state: 'running', seen, started: at, ended: null, run: null, out: null, message: '' };
    await this.#write(`running/${drop.hash}`, record);
    await this.#remove(path);
    return record;
  }

  /** Notes how a version ended. What has ended stays so. */
  async end(record: DropRecord): Promise<DropRecord> {
    const known = await this.ended(record.hash);
    if (known === undefined) await this.#write(`drops/${record.hash}`, record);
    await this.#remove(`running/${record.hash}`);
    await this.#remove(waitingPath(record));
    return known ?? record;
  }

  /** Has a version that failed or was refused wait anew; undefined when it did neither. */
  async again(hash: string): Promise<DropRecord | undefined> {
    const known = await this.ended(hash);
    if (known?.state !== 'failed' && known?.state !== 'refused') return undefined;
    const record: DropRecord = { ...known, state: 'waiting', retries: known.retries + 1, started: null, ended: null, message: '' };
    await this.#write(waitingPath(record), record);
    await this.#remove(`drops/${hash}`);
    return record;
  }

  /** Versions that need no looking at any more, or are looked after. */
  async known(): Promise<Set<string>> {
    const parts = await Promise.all(['waiting', 'running', 'drops'].map((part) => this.#names(part)));
    return new Set(parts.flat().map((name) => name.split('-').at(-1)!));
  }

  /** Names of the versions that wait, in the order in which they were written. */
  waitingNames(): Promise<string[]> {
    return this.#names('waiting');
  }

  waiting(name: string): Promise<DropRecord | undefined> {
    return this.#read(`waiting/${name}`);
  }

  async running(): Promise<DropRecord[]> {
    const records = await Promise.all((await this.#names('running')).map((name) => this.#read<DropRecord>(`running/${name}`)));
    return records.filter((record) => record !== undefined);
  }

  /** Every record, those that wait first. */
  async all(): Promise<DropRecord[]> {
    const found = new Map<string, DropRecord>();
    for (const part of ['waiting', 'running', 'drops']) {
      const paths = await this.#store.listRecords(`${this.#folder}/${part}/`);
      for (let at = 0; at < paths.length; at += 64) {
        const records = await Promise.all(paths.slice(at, at + 64).map((path) => this.#store.readRecord(path)));
        for (const text of records) {
          if (text === undefined) continue;
          const record = JSON.parse(text) as DropRecord;
          found.set(record.hash, record);
        }
      }
    }
    return [...found.values()];
  }

  /** Keeps a message that could not be read; false when it is there already. */
  async dead({ text, ...letter }: DeadLetter): Promise<boolean> {
    const path = `dead/${sha256(text)}`;
    if (await this.#read(path)) return false;
    await this.#write(path, { ...letter, text: text.slice(0, DEAD_BYTES) });
    return true;
  }

  async deadLetters(): Promise<DeadLetter[]> {
    const names = await this.#names('dead');
    const letters = await Promise.all(names.map((name) => this.#read<DeadLetter>(`dead/${name}`)));
    return letters.filter((letter) => letter !== undefined).sort((a, b) => a.at - b.at);
  }

  async #names(part: string): Promise<string[]> {
    return (await this.#store.listRecords(`${this.#folder}/${part}/`)).map(nameOf);
  }

  async #read<T>(path: string): Promise<T | undefined> {
    const text = await this.#store.readRecord(`${this.#folder}/${path}.json`);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }

  #write(path: string, value: unknown): Promise<void> {
    return this.#store.writeRecord(`${this.#folder}/${path}.json`, JSON.stringify(value));
  }

  #remove(path: string): Promise<void> {
    return this.#store.removeRecord(`${this.#folder}/${path}.json`);
  }
}

/** Sorts by the time at which S3 took the version. */
const waitingPath = ({ hash, modified }: Pick<Drop, 'hash' | 'modified'>): string =>
  `waiting/${String(modified).padStart(15, '0')}-${hash}`;
