import { createReadStream, openSync, readSync, closeSync } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { DataError } from '../core/errors.ts';

/** Bytes of a text file in chunks, unpacked when it is gzip (by its first bytes, not its name); a broken file gives one DataError. */
export async function* textChunks(path: string): AsyncGenerator<Buffer> {
  const head = Buffer.alloc(2);
  const fd = openSync(path, 'r');
  readSync(fd, head, 0, 2, 0);
  closeSync(fd);
  const packed = head[0] === 0x1f && head[1] === 0x8b;
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  const gunzip = packed ? file.on('error', (e) => gunzip?.destroy(e)).pipe(createGunzip({ chunkSize: 1 << 20 })) : undefined;
  try {
    for await (const chunk of gunzip ?? file) yield chunk as Buffer;
  } catch (error) {
    throw new DataError('The file is damaged or truncated', {
      cause: error,
      context: { file: path, reason: error instanceof Error ? error.message : String(error) },
      mend: 'Fetch or export the file again.',
    });
  } finally {
    file.destroy();
  }
}

/** Lines of a text file without their line ends. */
export async function* textLines(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of textChunks(path)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
  }
  rest += decoder.decode();
  if (rest !== '') yield rest.endsWith('\r') ? rest.slice(0, -1) : rest;
}

/** Fields of one line, with quotes as in RFC 4180 (a quoted field stays on its line). */
export function fields(line: string, separator: string): string[] {
  if (!line.includes('"')) return line.split(separator);
  const out: string[] = [];
  let at = 0;
  while (at <= line.length) {
    if (line[at] !== '"') {
      const end = line.indexOf(separator, at);
      out.push(line.slice(at, end < 0 ? line.length : end));
      at = end < 0 ? line.length + 1 : end + 1;
      continue;
    }
    let field = '';
    at++;
    for (; at < line.length; at++) {
      if (line[at] !== '"') field += line[at];
      else if (line[at + 1] === '"') field += line[at++];
      else break;
    }
    out.push(field);
    at += 2;
  }
  return out;
}

/** The separator of a table: a tab when the first line has one, else semicolon or comma. */
export function separatorOf(line: string): string {
  if (line.includes('\t')) return '\t';
  return line.split(';').length > line.split(',').length ? ';' : ',';
}

/** One data line of a delimited table. */
export interface TableLine {
  /** The fields of the first line that is not blank. */
  readonly header: string[];
  readonly separator: string;
  readonly line: string;
  /** From 1, blank lines and header counted. */
  readonly number: number;
}

/** The lines of a delimited table below its header, blank lines left out; nothing when there is no such line. */
export async function* tableLines(path: string): AsyncGenerator<TableLine> {
  let header: string[] | undefined;
  let separator = ',';
  let number = 0;
  for await (const text of textLines(path)) {
    number++;
    const line = number === 1 ? text.replace(/^\uFEFF/, '') : text;
    if (line.trim() === '') continue;
    if (header) yield { header, separator, line, number };
    else {
      separator = separatorOf(line);
      header = fields(line, separator);
    }
  }
}
