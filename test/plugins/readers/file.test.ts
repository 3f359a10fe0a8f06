import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import file from '../../../plugins/readers/file.ts';
import { testReader } from '../../kit/reader.ts';
import { testContext } from '../../kit/tiny-atlas.ts';

const folder = mkdtempSync(join(tmpdir(), 'panelflow-file-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'small.csv');
const obs_file = join(folder, 'labels.csv');
writeFileSync(path, 'cell,ACTB,GAPDH,CD3E\nc1,1,0,2\nc2,0,3,0\nc3,0,0,1\n');
writeFileSync(obs_file, 'name,type,age\nc1,T,3\nc3,B,NA\n');

testReader(file, { params: { path, obs_file } });

const run = async (params: object, log?: (line: string) => void): Promise<any> =>
  file.run(testContext({ log }), {}, file.params.parse(params));

test('joins labels by name; cells without one have missing values, and the user is told', async () => {
  const lines: string[] = [];
  const { outputs, facts } = await run({ path, obs_file }, (line) => lines.push(line));
  expect([...outputs.data.obs.columns.type.codes]).toEqual([1, -1, 0]);
  expect([...outputs.data.obs.columns.age.values]).toEqual([3, Number.NaN, Number.NaN]);
  expect(facts).toMatchObject({ cells_annotated: 2, format: 'csv' });
  expect(lines.join()).toContain('1 of 3 cells are not in');
});

test('keeps only the columns asked for, and names the nearest when one is missing', async () => {
  expect(Object.keys((await run({ path, obs_file, columns: ['age'] })).outputs.data.obs.columns)).toEqual(['age']);
  await expect(run({ path, obs_file, columns: ['tpye'] })).rejects.toMatchObject({ code: 'DATA', mend: expect.stringContaining('type') });
});

test('declares the files whose content decides the result', () => {
  expect(file.files?.(file.params.parse({ path, obs_file }))).toEqual([path, obs_file]);
  expect(file.files?.(file.params.parse({ path }))).toEqual([path]);
});
