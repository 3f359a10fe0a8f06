import { describe, expect, it } from 'vitest';
import { noGateway } from '../plugins/stores/_gateway.ts';
import { torture } from '../torture/_torture.ts';

describe.skipIf(noGateway)('a sweep over S3 with four workers', () => {
  it('ends with the same bytes, and repeats no finished step, while its parts are killed', { timeout: 900_000 }, async () => {
    const account = await torture({ cells: 16, kills: 6, seed: 3, seconds: 600, tell: () => {} });
    expect(account.faults).toEqual([]);
    expect(Object.values(account.kills).reduce((a, b) => a + b, 0)).toBe(6);
  });
});
