import { createReadStream, openSync, readSync, closeSync, statSync } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { DataError } from '../core/errors.ts';

/** No honest table unpacks to so many times its size, once it is larger than this. */
const BOMB = { times: 300, bytes: 2 ** 26 };
/** The longest line: a table that lies genes x cells has a name for each of some millions of cells in its first. */
const LONGEST = 2 ** 28;

/** Refuses what has no end, or waits for a writer: a pipe, a device, a socket. */
export function checkPlain(path: string): void {
  if (!statSync(path).isFile())
    throw new DataError('This is no plain file', {
      context: { file: path },
      mend: 'Give a file; what comes out of a pipe has to be saved first.',
    });
}

/** Bytes of a text file in chunks, unpacked when it is gzip (by its first bytes, not its name); a broken file gives one DataError. */
export async function* textChunks(path: string): AsyncGenerator<Buffer> {
  checkPlain(path);
  const head = Buffer.alloc(2);
  const fd = openSync(path, 'r');
  readSync(fd, head, 0, 2, 0);
  closeSync(fd);
  const packed = head[0] === 0x1f && head[1] === 0x8b;
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  const gunzip = packed ? file.on('error', (e) => gunzip?.destroy(e)).pipe(createGunzip({ chunkSize: 1 << 20 })) : undefined;
  const most = packed ? Math.max(BOMB.bytes, BOMB.times * statSync(path).size) : Infinity;
  let bytes = 0;
  try {
    for await (const chunk of gunzip ?? file) {
      if ((bytes += (chunk as Buffer).length) > most) throw bomb(path);
      yield chunk as Buffer;
    }
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError('The file is damaged or truncated', {
      cause: error,
      context: { file: path, reason: error instanceof Error ? error.message : String(error) },
      mend: 'Fetch or export the file again.',
    });
  } finally {
    file.destroy();
  }
}

const bomb = (file: string): DataError =>
  new DataError(`The file unpacks to more than ${BOMB.times} times its size`, {
    context: { file },
    mend: 'Unpack it yourself, and look at what is in it.',
  });

/** Lines of a text file without their line ends. */
export async function* textLines(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of textChunks(path)) {
    const text = decoder.decode(chunk, { stream: true });
    if (!text.includes('\n')) {
      rest += text;
      if (rest.length > LONGEST)
        throw new DataError('A line of the file does not end', {
          context: { file: path, characters: rest.length },
          mend: 'Is it a table of text?',
        });
      continue;
    }
    const lines = (rest + text).split('\n');
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
