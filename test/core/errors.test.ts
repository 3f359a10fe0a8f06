import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as errors from '../../core/errors.ts';

it('docs/errors.md has a row for each code, with what the engine does about it', () => {
  const rows = readFileSync('docs/errors.md', 'utf8').split('\n');
  for (const Class of Object.values(errors)) {
    if (typeof Class !== 'function' || !(Class.prototype instanceof errors.PanelflowError)) continue;
    const { code } = new (Class as new (message: string) => errors.PanelflowError)('x');
    expect(
      rows.some((row) => row.startsWith('|') && row.includes(code)),
      code,
    ).toBe(true);
  }
});

it('is told from other errors by what it carries, not by its class', () => {
  expect(errors.isPanelflowError(new errors.DataError('x', { context: { gene: 'A' }, mend: 'y' }))).toBe(true);
  expect(errors.isPanelflowError(Object.assign(new Error('x'), { code: 'ENOENT' }))).toBe(false);
});
