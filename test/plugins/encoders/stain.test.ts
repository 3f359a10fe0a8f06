import { describe, expect, test } from 'vitest';
import { macenko, REFERENCE, stainAmounts } from '../../../plugins/encoders/_macenko.ts';
import stain from '../../../plugins/encoders/stain.ts';
import { Random } from '../../../stats/random.ts';
import { runEncoder, testEncoder, tinyTissue } from './_tiny-tissue.ts';

testEncoder(stain, {}, 25);

test('mean, sd and quartiles of colours and stains: five numbers a channel', async () => {
  const { data, tissue } = await tinyTissue();
  const grey = tissue.sections.map((s) =>
    s.picture.kind === 'patches' ? { ...s, picture: { ...s.picture, pixels: s.picture.pixels.map(() => 51) } } : s,
  );
  const { features } = await runEncoder(stain, { data, tissue: { sections: grey } }, {});
  const [red, , blue] = [0, 1, 2].map((c) => [...features.values.subarray(25 + 5 * c, 25 + 5 * c + 5)]);
  for (const channel of [red, blue]) channel.forEach((v, i) => expect(v).toBeCloseTo(i === 1 ? 0 : 0.2));
});

test('says that a section without stain keeps its colours', async () => {
  const { data, tissue } = await tinyTissue();
  const white = tissue.sections.map((s) =>
    s.picture.kind === 'patches' ? { ...s, picture: { ...s.picture, pixels: s.picture.pixels.map(() => 250) } } : s,
  );
  const lines: string[] = [];
  await runEncoder(stain, { data, tissue: { sections: white } }, { stain: 'macenko' }, { log: (line) => void lines.push(line) });
  expect(lines.filter((l) => l.includes('too little stain'))).toEqual([expect.stringContaining('ready')]);
});

type Vector = readonly [number, number, number];

/** Pixels with these amounts of two stains. */
const stained = (h: Vector, e: Vector, amounts: readonly (readonly [number, number])[]): Uint8Array =>
  Uint8Array.from(
    amounts.flatMap(([a, b]) => [0, 1, 2].map((c) => Math.min(255, Math.max(0, Math.round(240 * Math.exp(-(a * h[c] + b * e[c])) - 1))))),
  );

const random = Random.of(1, 'stain');
/** Many pixels of one stain alone, and of both. */
const amounts = Array.from({ length: 20_000 }, (_, i): [number, number] => {
  const [h, e] = [2 * random.uniform(), 2 * random.uniform()];
  return i % 5 === 0 ? [h, 0] : i % 5 === 1 ? [0, e] : [h / 2, e / 2];
});
const worst = (a: Uint8Array, b: Uint8Array): number => a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i])), 0);
const mean = (a: Uint8Array, b: Uint8Array): number => a.reduce((sum, v, i) => sum + Math.abs(v - b[i]), 0) / a.length;

describe('the normalisation of Macenko et al.', () => {
  test('brings two sections that differ in stains and strength alone to the same colours', () => {
    const one = stained([0.65, 0.7, 0.29], [0.27, 0.57, 0.78], amounts);
    const two = stained(
      [0.5, 0.75, 0.43],
      [0.2, 0.85, 0.49],
      amounts.map(([a, b]) => [0.8 * a, 1.2 * b]),
    );
    const apart = mean(one, two);
    for (const pixels of [one, two]) macenko(pixels)!(pixels);
    expect(apart).toBeGreaterThan(15);
    expect(mean(one, two)).toBeLessThan(apart / 5);
  });

  test('leaves what has the reference stains, in the reference strength, nearly as it is', () => {
    const pixels = stained(
      REFERENCE.H,
      REFERENCE.E,
      amounts.map(([a, b]) => [a, b * 0.55]),
    );
    const normal = pixels.slice();
    macenko(pixels)!(normal);
    expect(mean(pixels, normal)).toBeLessThan(6);
    expect(worst(Uint8Array.of(239, 239, 239), applied(pixels, [239, 239, 239]))).toBeLessThanOrEqual(1);
  });

  test('white stays white', () => {
    const sample = stained([0.65, 0.7, 0.29], [0.07, 0.99, 0.11], amounts);
    expect([...applied(sample, [239, 239, 239])]).toEqual([239, 239, 239]);
  });

  test('does nothing without a decision: no stain, or one stain alone', () => {
    expect(macenko(new Uint8Array(3000).fill(250))).toBeUndefined();
    expect(
      macenko(
        stained(
          [0.65, 0.7, 0.29],
          [0.65, 0.7, 0.29],
          amounts.map(() => [1, 0]),
        ),
      ),
    ).toBeUndefined();
  });

  test('amounts of two stains are those that a colour was mixed from', () => {
    const [h, e]: [Vector, Vector] = [
      [0.65, 0.704, 0.286],
      [0.072, 0.99, 0.105],
    ];
    const found = stainAmounts(h, e)!.map((row) => row.reduce((sum, v, c) => sum + v * (0.7 * h[c] + 0.2 * e[c]), 0));
    expect(found[0]).toBeCloseTo(0.7);
    expect(found[1]).toBeCloseTo(0.2);
  });
});

function applied(sample: Uint8Array, pixel: readonly number[]): Uint8Array {
  const out = Uint8Array.from(pixel);
  macenko(sample)!(out);
  return out;
}
