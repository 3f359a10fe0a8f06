import { expect, test } from 'vitest';
import leaveGroupOut from '../../../plugins/splitters/leave-group-out.ts';
import { testSplitter } from '../../kit/splitter.ts';
import { testContext, tinyAtlas } from '../../kit/tiny-atlas.ts';

testSplitter(leaveGroupOut, { params: { column: 'state', group: 'active', validation: 0.2 } });

const run = async (params: object): Promise<any> =>
  leaveGroupOut.run(testContext(), { data: tinyAtlas() }, leaveGroupOut.params.parse(params));

test('tests on the whole group and on nothing else', async () => {
  const { outputs } = await run({ column: 'state', group: 'active' });
  expect([...outputs.split.test]).toEqual(Array.from({ length: 45 }, (_, i) => 4 * i));
  expect(outputs.split.train.length).toBe(135);
});

test('refuses an unknown group or column, naming those there are', async () => {
  await expect(run({ column: 'state', group: 'activ' })).rejects.toMatchObject({ code: 'DATA', mend: expect.stringContaining('active') });
  await expect(run({ column: 'stat', group: 'active' })).rejects.toMatchObject({ code: 'DATA', mend: expect.stringContaining('state') });
});
