import { csvRows } from './csv.ts';

/** One object that a manifest lists; what is undefined is not checked. */
export interface ManifestEntry {
  /** Below the manifest's folder. */
  readonly name: string;
  readonly bytes?: number;
  readonly sha256?: string;
  readonly etag?: string;
}

/** A manifest as it was read, or why it could not be. */
export type Manifest = { readonly entries: readonly ManifestEntry[] } | { readonly problem: string };

const word = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
const COLUMNS = ['name', 'bytes', 'sha256', 'etag'];

/** Reads a JSON list of {name, bytes?, sha256?, etag?}, or CSV with those columns. */
export function parseManifest(text: string): Manifest {
  const rows = /^\s*[[{]/.test(text) ? ofJson(text) : ofCsv(text);
  if (typeof rows === 'string') return { problem: rows };
  if (rows.length === 0) return { problem: 'It lists nothing' };
  const entries: ManifestEntry[] = [];
  for (const { place, ...row } of rows) {
    const name = word(row.name);
    const bytes = row.bytes === undefined || row.bytes === '' ? undefined : Number(row.bytes);
    const sha256 = word(row.sha256)?.toLowerCase();
    const etag = word(row.etag)?.replaceAll('"', '');
    if (name === undefined) return { problem: `${place}: there is no name` };
    if (bytes !== undefined && !(Number.isInteger(bytes) && bytes >= 0)) return { problem: `${place}: its bytes are no whole number` };
    if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) return { problem: `${place}: "${sha256}" is no SHA-256 in hex` };
    entries.push({
      name: name.replace(/^\.\//, ''),
      ...(bytes === undefined ? {} : { bytes }),
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(etag === undefined ? {} : { etag }),
    });
  }
  return { entries };
}

interface Row extends Readonly<Record<string, unknown>> {
  readonly place: string;
}

function ofJson(text: string): Row[] | string {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    return `It is no JSON: ${(error as Error).message}`;
  }
  if (!Array.isArray(list)) return 'It is no list';
  return list.map((entry, i) => ({ ...(typeof entry === 'string' ? { name: entry } : (entry as object)), place: `Entry ${i + 1}` }));
}

function ofCsv(text: string): Row[] | string {
  const [header, ...rows] = csvRows(text);
  if (header === undefined) return 'It is empty';
  const unknown = header.cells.find((column) => !COLUMNS.includes(column));
  if (unknown !== undefined || !header.cells.includes('name'))
    return `Its columns are to be ${COLUMNS.join(', ')}, and it has "${header.cells.join(',')}"`;
  return rows.map(({ line, cells }) => ({
    ...Object.fromEntries(header.cells.map((column, i) => [column, cells[i]])),
    place: `Line ${line}`,
  }));
}

/** Why an object does not fit what a manifest says of it; undefined when it does. `sha256` is undefined where it is not known. */
export function misfit(
  entry: ManifestEntry,
  object: { readonly bytes: number; readonly etag: string; readonly sha256?: string | undefined },
): string | undefined {
  if (entry.bytes !== undefined && entry.bytes !== object.bytes)
    return `${entry.name} has ${object.bytes} bytes, and is to have ${entry.bytes}`;
  if (entry.etag !== undefined && entry.etag !== object.etag) return `${entry.name} has another ETag`;
  if (entry.sha256 !== undefined && entry.sha256 !== object.sha256) return `${entry.name} has another SHA-256`;
  return undefined;
}
