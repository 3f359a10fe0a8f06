import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Allowed, checkHost } from '../core/allowed.ts';
import { DataError, ResourceError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { CATALOGUE, type CatalogueEntry } from './catalogue-entries.ts';

export { CATALOGUE, type CatalogueEntry } from './catalogue-entries.ts';

/** The entry of that name, or an error that names the nearest one. */
export function catalogueEntry(name: string, entries: readonly CatalogueEntry[] = CATALOGUE): CatalogueEntry {
  const found = entries.find((e) => e.name === name);
  if (found) return found;
  const names = entries.map((e) => e.name);
  const near = nearest(name, names);
  throw new DataError(`There is no dataset "${name}" in the catalogue`, {
    context: { name },
    mend: `${near ? `Did you mean "${near}"? ` : ''}Known: ${names.join(', ')}.`,
  });
}

/** No dataset of the catalogue comes near this. */
const MOST_BYTES = 64 * 2 ** 30;

/** Where fetched files go and what to do on the way. */
export interface FetchOptions {
  /** A folder that may hold the file already, e.g. PANELFLOW_DATA; looked at before the network. */
  readonly mirror?: string;
  readonly signal?: AbortSignal;
  readonly progress?: (bytes: number, total: number | undefined) => void;
  /** Hosts that may be reached; default all. */
  readonly hosts?: Allowed;
  /** The most bytes that are taken, where the server does not say how many come. */
  readonly most?: number;
  /** The catalogue; default the built-in one. */
  readonly entries?: readonly CatalogueEntry[];
}

/** The path of a known dataset: from the mirror, from the folder, or downloaded there (to a temporary file, hash checked, renamed). */
export async function fetchDataset(name: string, folder: string, options: FetchOptions = {}): Promise<string> {
  const entry = catalogueEntry(name, options.entries);
  if (entry.file === undefined) throw new DataError(`"${name}" is made, not fetched`, { context: { name }, mend: `Use reader/${name}.` });
  for (const place of [options.mirror, folder]) {
    const path = place === undefined ? undefined : join(place, entry.file);
    if (path === undefined || !existsSync(path)) continue;
    await checkHash(entry, path);
    return path;
  }
  if (entry.url === undefined) {
    throw new DataError(`"${name}" cannot be downloaded: its source gives no file of this form`, {
      context: { name, file: entry.file },
      mend: `Get it from ${entry.source} and put it as ${entry.file} into ${options.mirror ?? folder}.`,
    });
  }
  return download(entry, entry.url, join(folder, entry.file), options);
}

async function download(entry: CatalogueEntry, url: string, path: string, options: FetchOptions): Promise<string> {
  const failed = (reason: string, cause?: unknown): ResourceError =>
    new ResourceError(`The dataset "${entry.name}" could not be downloaded`, {
      cause,
      context: { url, reason },
      mend: 'Check the network, or put the file into the folder that PANELFLOW_DATA names.',
    });
  mkdirSync(join(path, '..'), { recursive: true });
  const temporary = `${path}.${process.pid}.part`;
  try {
    checkHost(new URL(url).hostname, options.hosts);
    const answer = await fetch(url, { signal: options.signal }).catch((error: unknown) => {
      throw failed(reasonOf(error), error);
    });
    if (!answer.ok || !answer.body) throw failed(`the server answered ${answer.status}`);
    // A server may send us on, but not to where anybody on the way could change what comes.
    const { protocol, hostname } = new URL(answer.url);
    checkHost(hostname, options.hosts);
    if (protocol !== 'https:' && protocol !== new URL(url).protocol) throw failed(`it leads to ${protocol}//${hostname}`);
    const total = Number(answer.headers.get('content-length')) || undefined;
    let bytes = 0;
    const most = options.most ?? MOST_BYTES;
    const counting = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        options.progress?.(bytes, total);
        if (bytes > most) done(new Error(`more than ${most} bytes came`));
        else done(null, chunk);
      },
    });
    await pipeline(Readable.fromWeb(answer.body as never), counting, createWriteStream(temporary), { signal: options.signal }).catch(
      (error: unknown) => {
        throw failed(reasonOf(error), error);
      },
    );
    if (total !== undefined && bytes !== total && !answer.headers.get('content-encoding')) throw failed(`${bytes} of ${total} bytes came`);
    await checkHash(entry, temporary);
    renameSync(temporary, path);
    return path;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}

async function checkHash(entry: CatalogueEntry, path: string): Promise<void> {
  if (entry.sha256 === undefined) return;
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  const found = hash.digest('hex');
  if (found === entry.sha256) return;
  throw new DataError(`The file of "${entry.name}" is not the one in the catalogue: its hash differs`, {
    context: { file: path, expected: entry.sha256.slice(0, 16), found: found.slice(0, 16) },
    mend: 'Delete the file and fetch it again.',
  });
}
