import { describe, expect, it } from 'vitest';
import { csvRows } from '../../core/csv.ts';
import { inputOf, outOf, runNameOf, sampleOf, sorter, unknownIn } from '../../core/drops.ts';
import { globMatcher, globPrefix } from '../../core/glob.ts';
import { misfit, parseManifest } from '../../core/manifest.ts';

describe('a glob', () => {
  it.each([
    ['in/*.h5ad', 'in/a.h5ad', true],
    ['in/*.h5ad', 'in/b/a.h5ad', false],
    ['in/*.h5ad', 'in/axh5ad', false],
    ['in/**/*.h5ad', 'in/a.h5ad', true],
    ['in/**/*.h5ad', 'in/b/c/a.h5ad', true],
    ['in/**', 'in/b/a b+(1).csv', true],
    ['in/s?.h5ad', 'in/s1.h5ad', true],
    ['in/s?.h5ad', 'in/s/.h5ad', false],
    ['in/a+b.h5ad', 'in/a+b.h5ad', true],
    ['*.h5ad', 'é\n.h5ad', true],
  ])('%s and %s: %s', (glob, key, fits) => {
    expect(globMatcher(glob)(key)).toBe(fits);
    if (fits) expect(key.startsWith(globPrefix(glob))).toBe(true);
  });
});

describe('what an object is to a watch', () => {
  const roleOf = sorter({ glob: 'in/**', marker: 'DONE', manifest: 'manifest.json' });

  it('is a drop, a sign for its folder, or nothing', () => {
    expect(roleOf('in/b1/a.h5ad')).toEqual({ role: 'drop' });
    expect(roleOf('in/b1/DONE')).toEqual({ role: 'sign', of: 'in/b1/' });
    expect(roleOf('in/b1/manifest.json')).toEqual({ role: 'sign', of: 'in/b1/' });
    expect(roleOf('out/DONE')).toEqual({ role: 'other' });
    expect(roleOf('in/b1/')).toEqual({ role: 'other' });
    expect(sorter({ glob: 'in/*.h5ad', marker: '.done', manifest: null })('in/a.h5ad.done')).toEqual({ role: 'sign', of: 'in/a.h5ad' });
  });

  it('is never a drop when it is a result', () => {
    expect(roleOf('in/a.h5ad.panelflow/models/b.h5ad')).toEqual({ role: 'other' });
  });
});

describe('a drop', () => {
  const drop = { key: 'in/b1/zeisel 2.raw.h5ad', version: 'v1', etag: 'e1' };

  it('is read by its version, or by its ETag', () => {
    expect(inputOf('lab', drop)).toBe('s3://lab/in/b1/zeisel 2.raw.h5ad#version=v1');
    expect(inputOf('lab', { ...drop, version: null })).toBe('s3://lab/in/b1/zeisel 2.raw.h5ad#etag=e1');
  });

  it('has its results where the place says', () => {
    expect(outOf('s3://lab/out/{folder}/{stem}/{version}', drop)).toBe('s3://lab/out/in/b1/zeisel 2.raw/v1');
    expect(outOf('s3://lab/{key}.panelflow', { ...drop, version: null })).toBe('s3://lab/in/b1/zeisel 2.raw.h5ad.panelflow');
    expect(unknownIn('{stem}/{date}/{key}')).toEqual(['date']);
  });

  it('gives its run a name', () => {
    expect(runNameOf('panel', drop.key)).toBe('panel-zeisel-2-raw');
    expect(runNameOf('2panel', 'é')).toBe('w-panel--');
  });

  it('finds its row in a sample sheet: the first that fits', () => {
    const samples = [
      { drop: 'zeisel*.h5ad', params: { k: 1 } },
      { drop: 'in/b1/**', params: { k: 2 } },
    ];
    expect(sampleOf({ samples }, drop.key)).toEqual({ k: 1 });
    expect(sampleOf({ samples }, 'in/b1/x')).toEqual({ k: 2 });
    expect(sampleOf({ samples }, 'in/b2/x')).toBeUndefined();
  });
});

describe('a CSV text', () => {
  it('may hold quotes, commas and line breaks, and says where a row begins', () => {
    expect(csvRows('\uFEFFa,b\r\n"x, ""y""","1\n2"\n\n z , w\n')).toEqual([
      { line: 1, cells: ['a', 'b'] },
      { line: 2, cells: ['x, "y"', '1\n2'] },
      { line: 5, cells: ['z', 'w'] },
    ]);
  });
});

describe('a manifest', () => {
  const sha256 = 'a'.repeat(64);

  it('is JSON or CSV', () => {
    const entries = [{ name: 'a.h5ad', bytes: 3, sha256 }, { name: 'b.h5ad' }];
    expect(parseManifest(JSON.stringify([{ name: './a.h5ad', bytes: 3, sha256: sha256.toUpperCase() }, 'b.h5ad']))).toEqual({ entries });
    expect(parseManifest(`name,bytes,sha256\na.h5ad,3,${sha256}\nb.h5ad,,\n`)).toEqual({ entries });
  });

  it.each([
    ['', 'empty'],
    ['[]', 'nothing'],
    ['{"a": 1}', 'no list'],
    ['[{"bytes": 1}]', 'Entry 1: there is no name'],
    ['[{"name": "a", "bytes": "x"}]', 'no whole number'],
    ['name,sha256\na,xyz\n', 'Line 2'],
    ['file,size\na,1\n', 'columns'],
    ['[null]', 'Entry 1'],
  ])('that cannot be read says why: %s', (text, why) => {
    expect(parseManifest(text)).toEqual({ problem: expect.stringContaining(why) as string });
  });

  it('is compared with what is there', () => {
    const object = { bytes: 3, etag: 'e', sha256 };
    expect(misfit({ name: 'a', bytes: 3, sha256, etag: 'e' }, object)).toBeUndefined();
    expect(misfit({ name: 'a', bytes: 4 }, object)).toMatch(/3 bytes/);
    expect(misfit({ name: 'a', sha256: 'b' }, object)).toMatch(/SHA-256/);
    expect(misfit({ name: 'a', etag: 'f' }, object)).toMatch(/ETag/);
  });
});
