import { describe, expect, it } from 'vitest';
import { labels } from '../../../data/dataset.ts';
import type { Labels } from '../../../plugins/contract.ts';
import noise from '../../../plugins/labelers/noise.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

const data = tinyAtlas();
const split = tinySplit(data);

async function labelsOf(given: object, seed = 1): Promise<Labels> {
  const params = noise.params.parse({ tasks: [{ column: 'type' }], ...given });
  return (await noise.run(testContext({ seed }), { data, split }, params)).outputs.labels as Labels;
}

async function codesOf(given: object, seed = 1): Promise<Int32Array> {
  const { type } = await labelsOf(given, seed);
  if (type.kind !== 'category') throw new Error('not classes');
  return type.codes;
}

const type = labels(data.obs, 'type');
const differing = (codes: Int32Array, rows: Iterable<number>): number => [...rows].filter((i) => codes[i] !== type.codes[i]).length;

describe('labeler/noise', () => {
  it('changes labels of learning cells only, and leaves missing ones missing', async () => {
    const codes = await codesOf({ fraction: 1 });
    expect(differing(codes, split.test)).toBe(0);
    expect(type.codes.every((c, i) => c < 0 === codes[i] < 0)).toBe(true);
    expect(differing(codes, split.train)).toBeGreaterThan(split.train.length / 3);
  });

  it('changes as many as were asked for when the true label may not be drawn', async () => {
    const learning = [...split.train, ...split.validation].filter((i) => type.codes[i] >= 0);
    expect(differing(await codesOf({ fraction: 0.2, always_wrong: true }), learning)).toBe(Math.floor(0.2 * learning.length));
    expect(differing(await codesOf({ fraction: 0 }), learning)).toBe(0);
  });

  it('draws the same labels for the same seed, others for another', async () => {
    expect(await codesOf({ fraction: 0.5 })).toEqual(await codesOf({ fraction: 0.5 }));
    expect(await codesOf({ fraction: 0.5 }, 2)).not.toEqual(await codesOf({ fraction: 0.5 }));
  });

  it('gives numbers of other cells where the task is a number', async () => {
    const { age } = await labelsOf({ tasks: [{ column: 'age', kind: 'regression' }], fraction: 0.5 });
    const own = data.obs.columns.age;
    if (age.kind !== 'number' || own.kind !== 'number') throw new Error('not numbers');
    expect(age.values.every((v) => own.values.includes(v))).toBe(true);
    expect(age.values).not.toEqual(own.values);
  });
});
