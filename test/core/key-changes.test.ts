import { describe, expect, it } from 'vitest';
import { canonical } from '../../core/canonical.ts';
import { keyChanges, keyFields, nearestKey } from '../../core/key-changes.ts';

const hash = (letter: string): string => letter.repeat(64);
const base = {
  uses: 'toy/add',
  version: 1,
  params: { k: 32, rule: { top: 5 }, file: `sha256:${hash('a')}` },
  seed: 7,
  inputs: {
    data: hash('b'),
    all: [
      [hash('c'), { n: 1 }],
      [hash('d'), { n: 2 }],
    ],
  },
};
const fields = (more: object = {}): ReturnType<typeof keyFields> => keyFields(canonical({ ...base, ...more }));

describe('what changed in a key', () => {
  it.each([
    ['a param', { params: { ...base.params, k: 64 } }, ['params.k: 32 -> 64']],
    ['a param within a param', { params: { ...base.params, rule: { top: 6 } } }, ['params.rule.top: 5 -> 6']],
    ['a param that is new', { params: { ...base.params, x: 'y' } }, ['params.x: not set -> "y"']],
    ['a file', { params: { ...base.params, file: `sha256:${hash('e')}` } }, ['params.file: other content (eeeeeeeeeeee)']],
    ['an input', { inputs: { ...base.inputs, data: hash('f') } }, ['input data: other content (ffffffffffff)']],
    [
      'a list of inputs',
      {
        inputs: {
          ...base.inputs,
          all: [
            [hash('e'), { n: 2 }],
            [hash('f'), { n: 3 }],
          ],
        },
      },
      ['input all: 1 more, 1 fewer, 1 with other content'],
    ],
    ['version and seed', { version: 2, seed: 8 }, ['version 1 -> 2', 'seed: 7 -> 8']],
    ['cells that are missing', { missing: { all: [{ n: 3 }] } }, ['cells missing from input all: not set -> [{"n":3}]']],
    ['nothing', {}, []],
  ])('says so in words: %s', (_, more, said) => {
    expect(keyChanges(fields(), fields(more))).toEqual(said);
  });

  it('finds the key with the fewest changes, and of equal ones the first', () => {
    const far = { at: 'far', fields: fields({ version: 2, seed: 8 }) };
    const near = { at: 'near', fields: fields({ seed: 9 }) };
    const nearToo = { at: 'near too', fields: fields({ seed: 10 }) };
    expect(nearestKey(fields(), [far, near, nearToo])?.at).toBe('near');
    expect(nearestKey(fields(), [])).toBeUndefined();
  });
});
