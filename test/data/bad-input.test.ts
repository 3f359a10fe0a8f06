import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeH5ad } from '../../data/h5ad-write.ts';
import type { Dataset } from '../../data/dataset.ts';
import { joinObs, readObsFile } from '../../data/obs-file.ts';
import { readDataset } from '../../data/open.ts';
import { simulateAtlas } from '../../data/simulate.ts';

const folder = mkdtempSync(join(tmpdir(), 'panelflow-bad-'));
const at = (name: string): string => join(folder, name);
const atlas = simulateAtlas({
  cells: 300,
  genes: 200,
  types: 2,
  subtypes: 1,
  markers: 3,
  batches: 1,
  counts: 500,
  separation: 1,
  dropout: 0,
  seed: 2,
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const refuses = async (read: Promise<unknown>, context: object = {}, message = /./): Promise<void> => {
  const error: any = await read.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toMatchObject({ code: 'DATA', message: expect.stringMatching(message) });
  expect(error.context).toMatchObject(context);
};

function write(name: string, text: string): string {
  writeFileSync(at(name), text);
  return at(name);
}

function mtx(name: string, parts: Partial<Record<'matrix' | 'genes' | 'barcodes', string>>): string {
  mkdirSync(at(name), { recursive: true });
  const text = {
    matrix: '%%MatrixMarket matrix coordinate integer general\n%\n3 2 3\n1 1 5\n3 1 2\n2 2 1\n',
    genes: 'E1\tA\nE2\tB\nE3\tA\n',
    barcodes: 'AAA-1\nCCC-1\n',
    ...parts,
  };
  if (text.matrix) writeFileSync(join(at(name), 'matrix.mtx'), text.matrix);
  if (text.genes) writeFileSync(join(at(name), 'genes.tsv'), text.genes);
  if (text.barcodes) writeFileSync(join(at(name), 'barcodes.tsv'), text.barcodes);
  return at(name);
}

describe('h5ad', () => {
  beforeAll(() => writeH5ad(at('good.h5ad'), atlas));

  test('refuses a missing file, an empty file, a foreign file', async () => {
    await refuses(readDataset(at('none.h5ad')), { file: at('none.h5ad') });
    await refuses(readDataset(write('empty.h5ad', '')), {}, /empty/);
    await refuses(readDataset(write('text.h5ad', 'gene,cell\n')), {}, /not HDF5/);
    await refuses(readDataset(write('notes.docx', 'hello')), {}, /format/);
  });

  test('refuses a truncated file', async () => {
    const bytes = readFileSync(at('good.h5ad'));
    for (const share of [0.2, 0.5, 0.9]) {
      writeFileSync(at('cut.h5ad'), bytes.subarray(0, Math.floor(bytes.length * share)));
      await refuses(readDataset(at('cut.h5ad')), { file: at('cut.h5ad') }, /damaged or truncated/);
    }
  });

  test('refuses corrupt values', async () => {
    const bytes = Buffer.from(readFileSync(at('good.h5ad')));
    for (let i = bytes.length >> 2; i < bytes.length - 3000; i++) bytes[i] ^= 0x5a;
    writeFileSync(at('corrupt.h5ad'), bytes);
    await refuses(readDataset(at('corrupt.h5ad')), { file: at('corrupt.h5ad') });
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('refuses %s, naming cell and gene', async (bad) => {
    const data = Float32Array.from(atlas.X.data);
    const row = 5;
    const p = atlas.X.kind === 'csr' ? atlas.X.indptr[row] + 2 : 0;
    data[p] = bad;
    const broken: Dataset = { ...atlas, X: { ...atlas.X, data } };
    await writeH5ad(at('nan.h5ad'), broken);
    const gene = atlas.X.kind === 'csr' ? atlas.var.index[atlas.X.indices[p]] : '';
    await refuses(readDataset(at('nan.h5ad')), { cell: atlas.obs.index[row], gene });
  });

  test('refuses an unknown layer and names those there are', async () => {
    await expect(readDataset(at('good.h5ad'), { layer: 'cuonts' })).rejects.toMatchObject({
      code: 'DATA',
      context: { layer: 'cuonts' },
      mend: expect.stringContaining('X'),
    });
    await refuses(readDataset(at('good.h5ad'), { layer: 'raw' }), { layer: 'raw' });
  });
});

describe('10x folders', () => {
  test('reads a small one, repeated names made unique', async () => {
    const { data, facts } = await readDataset(mtx('fine', {}));
    expect(data.var.index).toEqual(['A', 'B', 'A-1']);
    expect(Array.from(data.X.data)).toEqual([5, 2, 1]);
    expect(facts.notes).toContain('1 repeated gene name');
  });

  test('reads entries in any order', async () => {
    const { data } = await readDataset(
      mtx('mixed', { matrix: '%%MatrixMarket matrix coordinate integer general\n3 2 3\n2 2 1\n3 1 2\n1 1 5\n' }),
    );
    expect(Array.from(data.X.data)).toEqual([5, 2, 1]);
  });

  test('refuses a folder without barcodes, without matrix, or with too few barcodes', async () => {
    await refuses(readDataset(mtx('nobar', { barcodes: '' })), {}, /barcodes/);
    mkdirSync(at('hollow'));
    await refuses(readDataset(at('hollow')), {}, /no matrix/);
    await refuses(readDataset(mtx('short', { barcodes: 'AAA-1\n' })), { matrix_cells: 2, barcodes: 1 }, /barcodes/);
    await refuses(readDataset(mtx('genes', { genes: 'E1\tA\n' })), { matrix_genes: 3, features: 1 }, /features/);
  });

  test('refuses a broken line, a wrong head and missing entries, with the line', async () => {
    const head = '%%MatrixMarket matrix coordinate integer general\n';
    await refuses(readDataset(mtx('line', { matrix: `${head}3 2 3\n1 1 5\n9 1 2\n2 2 1\n` })), { line: 4 });
    await refuses(readDataset(mtx('head', { matrix: '3 2 3\n1 1 5\n' })), { line: 1 });
    await refuses(readDataset(mtx('few', { matrix: `${head}3 2 3\n1 1 5\n` })), {}, /1 entries, not the 3/);
  });

  test('refuses a truncated gzip file', async () => {
    mtx('gz', { matrix: '' });
    const lines = Array.from({ length: 5000 }, (_, i) => `${(i % 3) + 1} ${Math.floor(i / 2500) + 1} ${(i * 7919) % 1000}`).join('\n');
    const packed = gzipSync(`%%MatrixMarket matrix coordinate integer general\n3 2 5000\n${lines}\n`);
    writeFileSync(join(at('gz'), 'matrix.mtx.gz'), packed.subarray(0, packed.length >> 1));
    await refuses(readDataset(at('gz')), {}, /damaged or truncated/);
  });
});

describe('tables', () => {
  const good = 'cell,ACTB,GAPDH,CD3E\ncell1,1,0,2\ncell2,0,3,0\n';

  test('reads either way round, told or found out', async () => {
    const a = (await readDataset(write('a.csv', good))).data;
    const b = (await readDataset(write('b.tsv', 'cell1\tcell2\nACTB\t1\t0\nGAPDH\t0\t3\nCD3E\t2\t0\n'))).data;
    expect(b.X).toEqual(a.X);
    expect(b.var.index).toEqual(['ACTB', 'GAPDH', 'CD3E']);
    const c = (await readDataset(at('a.csv'), { orientation: 'genes-by-cells' })).data;
    expect(c.var.index).toEqual(['cell1', 'cell2']);
  });

  test('refuses what it cannot orient', async () => {
    await refuses(readDataset(write('o.csv', ',p,q\nr,1,2\ns,3,4\n')), { first_row: 'r', first_column: 'p' });
  });

  test('refuses an empty table, and one with a head only', async () => {
    await refuses(readDataset(write('e.csv', '')), {}, /empty/);
    await refuses(readDataset(write('h.csv', 'cell,ACTB,GAPDH\n')), {}, /empty/);
  });

  test('refuses words among numbers, with line and column', async () => {
    await refuses(
      readDataset(write('w.csv', 'cell,ACTB,GAPDH\ncell1,1,2\ncell2,3,high\n')),
      { line: 3, column: 3, name: 'GAPDH' },
      /"high" is not a number/,
    );
    await refuses(readDataset(write('v.csv', 'cell,ACTB,GAPDH\ncell1,1,\n')), { line: 2, column: 3 }, /empty/);
    await refuses(readDataset(write('u.csv', 'cell,ACTB,GAPDH\ncell1,1,2\ncell2,1\n')), { line: 3 });
    await refuses(readDataset(write('n.csv', 'cell,ACTB,GAPDH\ncell1,1,NaN\ncell2,1,2\n')), { cell: 'cell1', gene: 'GAPDH' });
  });

  test('keeps quoted names and numbers', async () => {
    const { data } = await readDataset(write('q.csv', '"","ACTB","GAPDH"\n"cell1, left","1","2.5"\n"cell2",0,0\n'));
    expect(data.obs.index).toEqual(['cell1, left', 'cell2']);
    expect(data.scale).toBe('log');
  });

  test('refuses labels that fit no cell, or that name genes', async () => {
    const { data } = await readDataset(write('a.csv', good));
    const other = await readObsFile(write('other.csv', 'name,type\nx1,T\n'));
    expect(() => joinObs(data, other, 'other.csv')).toThrow(/No cell name/);
    const genes = await readObsFile(write('genes.csv', 'name,type\nACTB,T\n'));
    expect(() => joinObs(data, genes, 'genes.csv')).toThrow(/those of the genes/);
    await refuses(readObsFile(at('missing.csv')), {}, /does not exist/);
    await refuses(readObsFile(write('eo.csv', 'name,type\n')), {}, /empty/);
  });
});
