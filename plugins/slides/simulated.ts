import { z } from '../contract.ts';
import { defineSlide } from '../spatial-contract.ts';
import { readSlide } from './_slide.ts';

const params = z.strictObject({
  sections: z.int().min(1).max(50).default(3).describe('sections, called S1, S2, ...'),
  across: z.int().min(4).max(200).default(18).describe('spots along the longer side of each'),
  genes: z.int().min(20).max(60_000).default(600),
  visible: z.int().min(0).default(120).describe('genes whose expression shows in the picture; the first ones'),
  counts: z.number().positive().default(4000).describe('mean counts of a spot'),
  seed: z.int().min(0).default(0).describe('the same seed gives the same sections; seeds of a sweep do not change it'),
});

/** Sections for a first try, and for tests: what is expressed shows in the picture. */
export default defineSlide({
  id: 'simulated',
  version: 1,
  summary: 'Simulated sections: colour and nuclei of the picture go with the expression of some genes.',
  params,
  run: async (context, _inputs, { sections, ...made }) => {
    const { simulateSection } = await import('../../data/simulate-slide.ts');
    const names = Array.from({ length: sections }, (_, i) => `S${i + 1}`);
    return readSlide(context, { names, sections: names }, async (_section, name) => {
      const { picture, ...section } = await simulateSection({ ...made, name });
      return { ...section, picture: { kind: 'image', ...picture }, micronsPerPixel: 200 / 32, spotDiameter: 16 };
    });
  },
});
