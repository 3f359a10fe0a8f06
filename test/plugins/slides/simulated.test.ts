import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import simulated from '../../../plugins/slides/simulated.ts';
import { testReader } from '../../kit/reader.ts';
import { readSlides } from './_tiny-section.ts';

testReader(simulated, { params: { sections: 2, across: 6, genes: 60, visible: 20 } });

test('gives sections that are alike in their genes and differ in their tissue, the same for the same seed', async () => {
  const read = (seed: number): Promise<any> => readSlides(simulated, { sections: 2, across: 10, genes: 80, seed });
  const [first, again, other] = [await read(0), await read(0), await read(1)];
  expect(first.outputs.tissue.sections.map((s: { name: string }) => s.name)).toEqual(['S1', 'S2']);
  expect(first.outputs.data.X).toEqual(again.outputs.data.X);
  expect(first.outputs.data.X).not.toEqual(other.outputs.data.X);
  const [a, b] = first.outputs.tissue.sections.map((s: { picture: { bytes: Uint8Array } }) => s.picture.bytes);
  expect(Buffer.compare(a, again.outputs.tissue.sections[0].picture.bytes)).toBe(0);
  expect(Buffer.compare(a, b)).not.toBe(0);
  if (process.env.PANELFLOW_SHOTS) writeFileSync(`${process.env.PANELFLOW_SHOTS}/section.png`, a);
});
