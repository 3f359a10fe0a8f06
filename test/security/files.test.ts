import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync, symlinkSync, truncateSync } from 'node:fs';
import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { labels } from '../../data/dataset.ts';
import { readObsFile } from '../../data/obs-file.ts';
import { readDataset } from '../../data/open.ts';
import { readPicture } from '../../data/picture.ts';
import { decode } from '../../data/portable.ts';
import { openSafetensors } from '../../data/safetensors.ts';
import { fileHasher } from '../../runs/hash-files.ts';
import { refused, scratch } from './_hostile.ts';

const { folder, at, write } = scratch();
const hashed = (name: string): Promise<unknown> => fileHasher(folder)(name);
const pipe = (name: string): string => (execFileSync('mkfifo', [at(name)]), at(name));
let count = 0;

const mtx = (name: string, head: string, body: string, { genes = 3, cells = 2 } = {}): string => {
  write(`${name}/matrix.mtx`, `%%MatrixMarket matrix coordinate integer general\n${head}\n${body}`);
  write(`${name}/genes.tsv`, Array.from({ length: genes }, (_, i) => `E${i}\tG${i}\n`).join(''));
  write(`${name}/barcodes.tsv`, Array.from({ length: cells }, (_, i) => `C${i}\n`).join(''));
  return at(name);
};
const head = 'cell,A,B\n';

describe('a table or 10x folder is refused', () => {
  refused([
    {
      name: 'a matrix that claims 10^9 rows',
      try: () => readDataset(mtx('rows', '1000000000 2 1', '1 1 1\n')),
      code: 'DATA',
      says: /fit each other/,
    },
    {
      name: 'a matrix that claims 10^12 entries',
      try: () => readDataset(mtx('entries', '3 2 1000000000000', '1 1 1\n')),
      code: 'DATA',
      says: /not a general coordinate matrix/,
    },
    {
      name: 'a matrix that claims fewer entries than none',
      try: () => readDataset(mtx('minus', '3 2 -1', '1 1 1\n')),
      code: 'DATA',
      says: /not a general/,
    },
    {
      name: 'a matrix with one line of 20 MB',
      try: () => readDataset(mtx('line', '3 2 1', '1'.repeat(2e7))),
      code: 'DATA',
      says: /does not end|not an entry/,
    },
    {
      name: 'a matrix with a row that wraps around',
      try: () => readDataset(mtx('wrap', '3 2 1', '4294967297 1 1\n')),
      code: 'DATA',
      says: /not an entry/,
    },
    {
      name: 'a csv bomb in gzip, without lines',
      try: () => readDataset(write('bomb.csv.gz', gzipped(100))),
      code: 'DATA',
      says: /unpacks to|does not end/,
    },
    {
      name: 'a csv bomb in gzip, with lines',
      try: () => readDataset(write('lines.csv.gz', gzipped(100, `c${',0'.repeat(511)}\n`))),
      code: 'DATA',
      says: /unpacks to/,
    },
    {
      name: 'gzip within gzip',
      try: () => readDataset(write('twice.csv.gz', gzipSync(gzipSync(`${head}c,1,2\n`)))),
      code: 'DATA',
      says: /./,
    },
    { name: 'a csv of NUL bytes', try: () => readDataset(write('nul.csv', Buffer.alloc(1e6))), code: 'DATA', says: /empty|number|length/ },
    {
      name: 'a csv with an open quote of 2 MB',
      try: () => readDataset(write('quote.csv', `${head}"${'x'.repeat(2e6)}`)),
      code: 'DATA',
      says: /./,
    },
    {
      name: 'a csv whose first row is a million fields and its second one',
      try: () => readDataset(write('wide.csv', `${'x,'.repeat(1e6)}\nc\n`)),
      code: 'DATA',
      says: /another length/,
    },
    { name: 'a pipe', try: () => readDataset(pipe('pipe.csv')), code: 'DATA', says: /no plain file/ },
    { name: 'a pipe under the name of an .h5ad', try: () => readDataset(pipe('pipe.h5ad')), code: 'DATA', says: /no plain file/ },
    {
      name: 'a pipe within a 10x folder',
      try: () => (
        mkdirSync(at('fifo')),
        pipe('fifo/matrix.mtx'),
        write('fifo/barcodes.tsv', 'a\n'),
        write('fifo/genes.tsv', 'a\n'),
        readDataset(at('fifo'))
      ),
      code: 'DATA',
      says: /no plain file/,
    },
    { name: 'annotations from a device', try: () => readObsFile('/dev/zero'), code: 'DATA', says: /no plain file/ },
    { name: 'a device', try: () => readDataset('/dev/zero'), code: 'DATA', says: /no plain file/ },
    { name: 'the memory of a process', try: () => readDataset('/proc/self/mem'), code: 'DATA', says: /./ },
    { name: 'an input that is a device, before it is hashed', try: () => hashed('/dev/zero'), code: 'CONFIG', says: /no plain file/ },
    { name: 'an input that is a pipe, before it is hashed', try: () => hashed(pipe('hash.csv')), code: 'CONFIG', says: /no plain file/ },
    {
      name: 'an input that is a link to a pipe',
      try: () => (symlinkSync(pipe('end.csv'), at('link.csv')), hashed('link.csv')),
      code: 'CONFIG',
      says: /no plain file/,
    },
    { name: 'an input with a NUL in its name', try: () => hashed('a\0b.csv'), code: 'CONFIG', says: /does not exist/ },
    { name: 'an input with a name of 10,000 letters', try: () => hashed('a'.repeat(10_000)), code: 'CONFIG', says: /does not exist/ },
    ...[
      'file:///etc/passwd',
      'http://169.254.169.254/latest/meta-data',
      'http://localhost:80/x',
      'ftp://host/x',
      'https://user:pass@host/x',
      'gopher://x/y',
    ].map((uri) => ({
      name: `an input at ${uri}`,
      try: () => hashed(uri),
      code: 'CONFIG' as const,
      says: /cannot be read directly/,
    })),
  ]);

  it('a matrix that claims 4 x 10^9 entries asks for no memory that there is not', async () => {
    // Where there is so much memory, none of it is touched before the entries are counted.
    const refusal = { message: expect.stringMatching(/does not fit|not the 4000000000/) };
    await expect(readDataset(mtx('many', '3 2 4000000000', '1 1 1\n'))).rejects.toMatchObject(refusal);
  });

  it('a class named like a method of objects is a class, and a column of that name a column', async () => {
    const frame = await readObsFile(write('obs.csv', 'cell,constructor,__proto__\nc1,toString,a\nc2,__proto__,b\n'));
    expect(labels(frame, 'constructor').classes).toEqual(['__proto__', 'toString']);
    expect(() => labels(frame, 'valueOf')).toThrow(/There is no obs column/);
  });
});

/** So many MB that pack to some kB. */
function gzipped(mb: number, unit = '0'): Buffer {
  const part = Buffer.from(unit.repeat(2 ** 20 / unit.length));
  const packed = gzipSync(part, { level: 9 });
  // Members of gzip follow each other in one file (RFC 1952, 2.2).
  return Buffer.concat(Array.from({ length: mb }, () => packed));
}

/** The head of a picture of so many pixels a side, and nothing more. */
function png(side: number): Buffer {
  const chunk = (type: string, body: Buffer): Buffer => {
    const all = Buffer.concat([Buffer.alloc(4), Buffer.from(type), body, Buffer.alloc(4)]);
    all.writeUInt32BE(body.length);
    return all;
  };
  const size = Buffer.alloc(13);
  size.writeUInt32BE(side, 0);
  size.writeUInt32BE(side, 4);
  size.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', size),
    chunk('IDAT', deflateSync(Buffer.alloc(10))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

describe('other binary files are refused', () => {
  const model = (header: string): Buffer => {
    const bytes = Buffer.alloc(12 + header.length);
    bytes.write('PFLOW001', 'latin1');
    bytes.writeUInt32LE(header.length, 8);
    bytes.write(header, 12);
    return bytes;
  };
  const tensors = (length: bigint, header = ''): string => {
    const bytes = Buffer.alloc(8 + header.length);
    bytes.writeBigUInt64LE(length);
    bytes.write(header, 8);
    return write(`${count++}.safetensors`, bytes);
  };
  refused([
    { name: 'a model that is none', try: () => decode(Buffer.from('MZ')), code: 'ARTIFACT', says: /no panelflow artifact/ },
    { name: 'a model that ends after its mark', try: () => decode(Buffer.from('PFLOW001')), code: 'ARTIFACT', says: /damaged/ },
    {
      name: 'a model with an array of 10^9 numbers',
      try: () => decode(model('{"value":{"$array":0},"arrays":[{"type":"f64","length":1e9,"offset":0}]}')),
      code: 'ARTIFACT',
      says: /damaged/,
    },
    {
      name: 'a model with an array before its beginning',
      try: () => decode(model('{"value":0,"arrays":[{"type":"u8","length":1,"offset":-1000}]}')),
      code: 'ARTIFACT',
      says: /damaged/,
    },
    {
      name: 'a model with an array of no known type',
      try: () => decode(model('{"value":0,"arrays":[{"type":"constructor","length":1,"offset":0}]}')),
      code: 'ARTIFACT',
      says: /damaged/,
    },
    {
      name: 'a model 100,000 deep',
      try: () => decode(model(`{"value":${'['.repeat(1e5)}${']'.repeat(1e5)},"arrays":[]}`)),
      code: 'ARTIFACT',
      says: /damaged/,
    },
    { name: 'weights with a header of 2^60 bytes', try: () => openSafetensors(tensors(2n ** 60n)), code: 'DATA', says: /not whole/ },
    {
      name: 'weights that lie outside of their file',
      try: () => openSafetensors(tensors(61n, '{"w":{"dtype":"F32","shape":[250],"data_offsets":[0,1000]}}   ')),
      code: 'DATA',
      says: /not whole/,
    },
    {
      name: 'weights that are a pickle',
      try: () => openSafetensors(write('w.pth', Buffer.from([0x80, 2, 0x63, 0x6f, 0x73]))),
      code: 'DATA',
      says: /can run any code/,
    },
    { name: 'a picture that is none', try: () => readPicture(write('x.png', 'GIF89a')), code: 'DATA', says: /not a picture/ },
    {
      name: 'a picture that is a drawing of commands',
      try: () => readPicture(write('x.jpg', '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>')),
      code: 'DATA',
      says: /./,
    },
  ]);

  it('a picture of 10^10 pixels in 100 bytes is looked at by its head alone', async () => {
    expect(await readPicture(write('bomb.png', png(100_000)))).toMatchObject({ width: 100_000 });
  });

  it('a sparse file of 1 TB is read by its bytes only where it has some', async () => {
    write('hole.h5ad', '');
    truncateSync(at('hole.h5ad'), 2 ** 40);
    expect(statSync(at('hole.h5ad')).size).toBe(2 ** 40);
    await expect(readDataset(at('hole.h5ad'))).rejects.toMatchObject({ code: 'DATA' });
  });
});
