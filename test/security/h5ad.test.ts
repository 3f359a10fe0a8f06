import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type H5File, type H5Group, hdf5 } from '../../data/hdf5.ts';
import { readDataset } from '../../data/open.ts';
import { type Hostile, refused, scratch } from './_hostile.ts';

const { at, write } = scratch();
const fixture = (name: string): string => resolve('test/fixtures/hostile', name);

interface Parts {
  readonly cells?: (obs: H5Group) => void;
  readonly X?: (file: H5File) => void;
  readonly more?: (file: H5File) => void;
}

let count = 0;

/** An .h5ad of four cells and three genes, but for what is to be wrong with it. */
async function h5ad({ cells, X, more }: Parts): Promise<string> {
  const { File } = await hdf5();
  const path = at(`${count++}.h5ad`);
  const file = new File(path, 'w');
  for (const [name, n] of [
    ['obs', 4],
    ['var', 3],
  ] as const) {
    const table = file.create_group(name);
    table.create_attribute('_index', '_index');
    table.create_attribute('encoding-type', 'dataframe');
    if (name === 'obs' && cells) cells(table);
    else table.create_dataset({ name: '_index', data: Array.from({ length: n }, (_, i) => `${name}${i}`) });
  }
  if (X) X(file);
  else file.create_dataset({ name: 'X', data: Float32Array.from({ length: 12 }, (_, i) => i), shape: [4, 3] });
  more?.(file);
  file.close();
  return path;
}

/** A sparse matrix from its three arrays. */
function csr(
  indptr: number[] | BigInt64Array,
  indices: Int32Array | BigInt64Array,
  data = new Float32Array(indices.length).fill(1),
  shape = [4, 3],
) {
  return (file: H5File): void => {
    const group = file.create_group('X');
    group.create_attribute('encoding-type', 'csr_matrix');
    group.create_attribute('shape', BigInt64Array.from(shape, BigInt), [2], '<q');
    const pointers = indptr.length === 0 ? Int32Array.of(0) : Array.isArray(indptr) ? Int32Array.from(indptr) : indptr;
    group.create_dataset({ name: 'indptr', data: pointers, maxshape: [null], chunks: [8] });
    group.create_dataset({ name: 'indices', data: indices });
    group.create_dataset({ name: 'data', data });
  };
}

const read = (parts: Parts) => async (): Promise<unknown> => readDataset(await h5ad(parts));
const two = Int32Array.of(0, 1, 0, 1);
const fine = [0, 1, 2, 3, 4];

describe('an .h5ad is refused', () => {
  const damaged = (name: string, parts: Parts, says = /damaged|fit each other/): Hostile => ({
    name,
    try: read(parts),
    code: 'DATA',
    says,
  });
  refused([
    damaged('whose row pointers fall', { X: csr([0, 3, 2, 3, 4], two) }),
    damaged('whose row pointers begin below zero', { X: csr([-1, 1, 2, 3, 4], two) }),
    damaged('whose row pointers lead past the end', { X: csr([0, 1, 2, 3, 1e9], two) }),
    damaged('whose row pointers are more than the rows', { X: csr([0, 1, 1, 2, 3, 4], two) }),
    damaged('with a column beyond its genes', { X: csr(fine, Int32Array.of(0, 1, 3, 1)) }, /outside the matrix/),
    damaged('with a column below zero', { X: csr(fine, Int32Array.of(0, 1, -1, 1)) }, /outside the matrix/),
    damaged(
      'with a column that 32 bits would wrap to one',
      { X: csr(fine, BigInt64Array.of(0n, 1n, 4294967297n, 1n)) },
      /outside the matrix/,
    ),
    damaged('whose sparse shape is 10^12 columns', { X: csr(fine, two, undefined, [4, 1e12]) }),
    damaged('with more values than columns', { X: csr(fine, two, new Float32Array(9)) }),
    damaged(
      'that declares 10^12 values of X, and has none',
      {
        X: (file) => {
          file.create_dataset({ name: 'X', data: new Float32Array(1), shape: [1, 1], maxshape: [null, null], chunks: [1, 1] });
          grow(file, 'X', [1e6, 1e6]);
        },
      },
      /more values than can be read/,
    ),
    damaged(
      'that declares 10^12 names',
      {
        cells: (obs) => {
          obs.create_dataset({ name: '_index', data: ['a'], maxshape: [null], chunks: [1] });
          grow(obs, '_index', [1e12]);
        },
      },
      /more values than can be read/,
    ),
    damaged(
      'that declares 10^12 row pointers',
      {
        X: (file) => {
          csr([], two)(file);
          grow(file.get('X') as H5Group, 'indptr', [1e12]);
        },
      },
      /more values than can be read/,
    ),
    damaged(
      'whose names lie in another HDF5 file',
      {
        cells: () => undefined,
        more: (file) =>
          void (file.get('obs') as H5Group).create_external_link(
            resolve('test/fixtures/hostile/external-storage.h5ad'),
            '/var/_index',
            '_index',
          ),
      },
      /no index/,
    ),
    {
      name: 'whose names lie in a file of the system',
      try: () => readDataset(fixture('external-storage.h5ad')),
      code: 'DATA',
      says: /damaged/,
    },
    damaged('whose X is a link to itself', { X: (file) => void file.create_soft_link('/X', 'X') }),
    {
      name: 'that is cut',
      try: async () => readDataset(write('cut.h5ad', readFileSync(await h5ad({})).subarray(0, 900))),
      code: 'DATA',
      says: /damaged/,
    },
    {
      name: 'of which only the head is there',
      try: () => readDataset(write('head.h5ad', Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'))),
      code: 'DATA',
      says: /damaged/,
    },
  ]);

  it('or read without what would come from another file', async () => {
    const { data } = await readDataset(fixture('virtual-dataset.h5ad')).catch(() => ({ data: undefined }));
    expect(data?.obs.index.filter((name) => name !== '' && !/^-\d$/.test(name)) ?? []).toEqual([]);
  });

  it('or read without the circles in uns', async () => {
    const circles = (file: H5File): void => {
      const uns = file.create_group('uns');
      uns.create_dataset({ name: 'title', data: ['fine'] });
      for (const name of ['a', 'b', 'c']) file.create_hard_link('/uns', `uns/${name}`);
    };
    const { data } = await readDataset(await h5ad({ more: circles }));
    expect(data.uns.title).toEqual(['fine']);
  });
});

/** Gives a dataset another shape, of which nothing is stored. */
function grow(parent: H5Group | H5File, name: string, shape: number[]): void {
  (parent.get(name) as unknown as { resize: (shape: number[]) => void }).resize(shape);
}
