import { fstatSync, mkdirSync, readdirSync, readFileSync, readSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { isInside } from '../../core/allowed.ts';
import { DataError } from '../../core/errors.ts';
import type { ReportFile } from '../contract.ts';

/** An artifact of type `folder`: files by name, in a list. It holds at most so many bytes. */
export const MOST_BYTES = 2 ** 30;

/** Names in a folder that commands make. */
export const PLAIN_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;

export const tooMuch = (what: string): DataError =>
  new DataError(`A command gives more than ${MOST_BYTES / 2 ** 30} GB: ${what}`, {
    mend: 'Write less, or leave large files where they are and give their paths.',
  });

/** Writes files into a folder, which is made. */
export function placeFiles(folder: string, files: readonly ReportFile[]): void {
  mkdirSync(folder, { recursive: true });
  for (const { name, bytes } of files) {
    if (!isInside(name)) throw new DataError(`"${name}" is no name of a file in a folder`, { context: { file: name } });
    const path = join(folder, name);
    if (dirname(path) !== folder) mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
}

/** Reads what a program printed, if it is asked for, and the files of its folder that `outputs` names. Refuses what is missing, or lies outside of the folder. */
export function readFiles(
  folder: string,
  outputs: Readonly<Record<string, string>>,
  printed?: { readonly name: string; readonly fd: number },
): ReportFile[] {
  const found = Object.entries(outputs).map(([name, path]) => ({ name, ...locate(folder, name, path) }));
  const size = printed === undefined ? 0 : fstatSync(printed.fd).size;
  if (found.reduce((sum, file) => sum + file.size, size) > MOST_BYTES) throw tooMuch('its outputs together');
  const files = found.map(({ name, path }) => ({ name, bytes: new Uint8Array(readFileSync(path)) }));
  if (printed === undefined) return files;
  const bytes = new Uint8Array(size);
  for (let at = 0, got = -1; at < size && got !== 0; at += got) got = readSync(printed.fd, bytes, at, size - at, at);
  return [{ name: printed.name, bytes }, ...files];
}

function locate(folder: string, name: string, path: string): { path: string; size: number } {
  const context = { output: name, file: path };
  let real: string;
  try {
    real = realpathSync.native(join(folder, path));
  } catch {
    throw new DataError(`The command wrote no file "${path}"`, {
      context,
      mend: `There is: ${readdirSync(folder).slice(0, 20).join(', ') || 'nothing'}.`,
    });
  }
  if (!real.startsWith(folder + sep))
    throw new DataError(`"${path}" leads out of the command's folder`, { context, mend: 'Write a file there in place of a link.' });
  const info = statSync(real);
  if (!info.isFile()) throw new DataError(`"${path}" is no file`, { context, mend: 'A folder goes as an archive: tar it.' });
  return { path: real, size: info.size };
}
