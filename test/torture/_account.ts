import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CacheEntry } from '../../activities/cache.ts';

/** A task that had a place in the cache, and yet began so much later, was computed again. What was asked for before may still begin. */
const LATE_MS = 5_000;

/** A line of the steps' log. */
interface Note {
  readonly at: number;
  readonly what: 'start' | 'resume' | 'done';
  readonly tag: string;
  /** Of a training: the process that it began in. */
  readonly pid: number;
}

/** What steps noted so far. */
export function notesOf(log: string): Note[] {
  if (!existsSync(log)) return [];
  return readFileSync(log, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [, at, what, tag, pid = 0] = /^(\d+) (\w+) (.+?)(?: pid (\d+))?$/.exec(line)!;
      return { at: Number(at), what: what as Note['what'], tag, pid: Number(pid) };
    });
}

/** Processes in which a training has gone on for so long. */
export function trainersIn(notes: readonly Note[], ms: number): number[] {
  const open = new Map<string, Note>();
  for (const note of notes) {
    if (note.what === 'done') open.delete(note.tag);
    else if (note.pid > 0) open.set(note.tag, note);
  }
  return [...open.values()].filter(({ at }) => Date.now() - at > ms).map(({ pid }) => pid);
}

const filesIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    : [];

/** Notes when each task was first seen in the cache, by the tag that its step gave it. */
export class CacheWatch {
  readonly seen = new Map<string, number>();
  readonly #folder: string;
  readonly #known = new Set<string>();

  /** `part` is the folder of a store. */
  constructor(part: string) {
    this.#folder = join(part, 'cache');
  }

  look(): void {
    const now = Date.now();
    for (const path of filesIn(this.#folder)) {
      if (this.#known.has(path)) continue;
      this.#known.add(path);
      const { facts } = JSON.parse(readFileSync(path, 'utf8')) as CacheEntry;
      if (typeof facts.tag === 'string') this.seen.set(facts.tag, now);
    }
  }
}

/** What the log says of the computing that was done. */
export interface Work {
  readonly attempts: number;
  /** Attempts that went on from a checkpoint. */
  readonly resumed: number;
  /** Attempts that never ended. */
  readonly lost: number;
  /** Tasks that ended more than once, each time but the first. */
  readonly repeats: number;
  /** Tasks that began well after they had a place in the cache: there must be none. */
  readonly late: readonly string[];
}

export function workIn(notes: readonly Note[], seen: ReadonlyMap<string, number>): Work {
  const of = (what: Note['what']): Note[] => notes.filter((note) => note.what === what);
  const dones = of('done');
  const resumed = of('resume').length;
  const attempts = of('start').length + resumed;
  return {
    attempts,
    resumed,
    lost: attempts - dones.length,
    repeats: dones.length - new Set(dones.map(({ tag }) => tag)).size,
    late: notes.filter(({ what, at, tag }) => what !== 'done' && at > (seen.get(tag) ?? Infinity) + LATE_MS).map(({ tag }) => tag),
  };
}

/** What lies in a store in the end. */
export interface Kept {
  readonly objects: number;
  /** What the cache holds: hashes of outputs, by key. */
  readonly results: Readonly<Record<string, string>>;
  /** Claims that nobody released; each must be of a task that ended. */
  readonly claims: number;
  readonly openClaims: readonly string[];
  readonly checkpoints: number;
}

/** Looks through a store; `part` is its folder. */
export function keptIn(part: string): Kept {
  const stem = (path: string): string => path.split('/').at(-1)!.replace('.json', '');
  const results: Record<string, string> = {};
  for (const path of filesIn(join(part, 'cache')).sort()) {
    const { outputs } = JSON.parse(readFileSync(path, 'utf8')) as CacheEntry;
    results[stem(path)] = Object.entries(outputs)
      .map(([port, { sha256 }]) => `${port}=${sha256}`)
      .join(' ');
  }
  const claims = filesIn(join(part, 'claims')).map(stem);
  return {
    objects: filesIn(join(part, 'objects')).length,
    results,
    claims: claims.length,
    openClaims: claims.filter((key) => results[key] === undefined),
    checkpoints: filesIn(join(part, 'checkpoints')).length,
  };
}
