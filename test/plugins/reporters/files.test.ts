import { describe, expect, it } from 'vitest';
import files from '../../../plugins/reporters/files.ts';
import { testContext } from '../../kit/tiny-atlas.ts';

const folder = (text: string) => [{ name: 'stdout.txt', bytes: Buffer.from(text) }];
const namesOf = async (cells: readonly object[], given: object = {}): Promise<string[]> => {
  const folders = cells.map((cell, i) => ({ value: folder(`${i}`), cell }));
  const { outputs } = await files.run(testContext(), { folders }, files.params.parse(given));
  return (outputs.files as { name: string; bytes: Uint8Array }[]).map(({ name, bytes }) => `${name} ${Buffer.from(bytes).toString()}`);
};

describe('reporter/files', () => {
  it('names files by their cell', async () => {
    expect(await namesOf([{ n: 1, method: 'a' }, { n: 2 }, {}])).toEqual(['n=1,method=a/stdout.txt 0', 'n=2/stdout.txt 1', 'stdout.txt 2']);
  });

  it('puts them into a folder when asked to', async () => {
    expect(await namesOf([{ n: 1 }, {}], { into: 'fits' })).toEqual(['fits/n=1/stdout.txt 0', 'fits/stdout.txt 1']);
    expect(() => files.params.parse({ into: '../fits' })).toThrow();
  });

  it('keeps every file in the results, and apart from those of other cells, whatever the labels', async () => {
    expect(await namesOf([{ n: '../../x' }, { n: 'a b' }, { n: 'a_b' }, { n: 'a,m=1' }])).toEqual([
      'n=..%2F..%2Fx/stdout.txt 0',
      'n=a%20b/stdout.txt 1',
      'n=a_b/stdout.txt 2',
      'n=a%2Cm%3D1/stdout.txt 3',
    ]);
  });

  it('stops when cancelled', async () => {
    await expect(files.run(testContext({ signal: AbortSignal.abort(new Error('cancelled')) }), { folders: [] }, {})).rejects.toThrow(
      'cancelled',
    );
  });
});
