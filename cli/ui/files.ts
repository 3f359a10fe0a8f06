import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { ConfigError } from '../../core/errors.ts';
import { isS3 } from '../../core/s3-uri.ts';

/** Results that a browser can show or save. */
const RESULT = /^[\w][\w.-]*\.(html|csv|tsv|json|parquet)$/;
/** How far down the folder files to run are looked for, how many are listed, and how much of each is read. */
const DEEP = 3;
const MOST = 300;
const HEAD = 65_536;
const SKIPPED = new Set(['node_modules', 'results', 'dist']);

/** Names of the files in a folder of results; none where it lies elsewhere. */
export async function resultFiles(out: string): Promise<string[]> {
  if (isS3(out)) return [];
  const entries = await readdir(out, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && RESULT.test(entry.name))
    .map((entry) => entry.name)
    .toSorted();
}

/** A file of a run's results; ConfigError when it is not one of those that `resultFiles` names. */
export async function resultFile(out: string, name: string): Promise<Uint8Array> {
  if (!(await resultFiles(out)).includes(name)) throw new ConfigError(`The results have no file "${name}"`);
  return readFile(join(out, name));
}

/** YAML files under a folder that look like something to run, by path from there. Links are not followed. */
export async function runnableFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  const walk = async (path: string, depth: number): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (found.length >= MOST) return;
      if (entry.name.startsWith('.') || SKIPPED.has(entry.name)) continue;
      const inner = join(path, entry.name);
      if (entry.isDirectory() && depth < DEEP) await walk(inner, depth + 1);
      else if (entry.isFile() && /\.ya?ml$/.test(entry.name) && (await isRunnable(inner))) found.push(inner);
    }
  };
  const root = await realpath(folder);
  await walk(root, 0);
  return found.map((path) => relative(root, path).split(sep).join('/')).toSorted();
}

async function isRunnable(path: string): Promise<boolean> {
  if ((await stat(path)).size === 0) return false;
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD), 0, HEAD, 0);
    return /^(pipeline|steps):/m.test(buffer.toString('utf8', 0, bytesRead));
  } finally {
    await file.close();
  }
}
