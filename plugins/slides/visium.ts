import { z } from '../contract.ts';
import { defineSlide } from '../spatial-contract.ts';
import { readSlide } from './_slide.ts';

const PICTURES = ['auto', 'hires', 'lowres'];

const params = z.strictObject({
  sections: z
    .array(
      z.strictObject({
        name: z.string().min(1).optional().describe("default: the folder's name"),
        folder: z
          .string()
          .min(1)
          .describe("Space Ranger's `outs`, or a folder with filtered_feature_bc_matrix (.h5 or folder) and `spatial`"),
        image: z
          .string()
          .min(1)
          .default('auto')
          .describe('auto (hires where there is one, else lowres), hires, lowres, or the path of the full-size picture'),
      }),
    )
    .min(1)
    .describe('one entry a section: folder; where wanted name, image (docs/spatial.md)'),
});

/** Visium sections: spots in tissue alone, placed on the picture that was chosen. */
export default defineSlide({
  id: 'visium',
  version: 1,
  summary: 'Read Visium sections: folders that Space Ranger 1 to 3 wrote.',
  params,
  files: (p) => p.sections.flatMap((s) => (PICTURES.includes(s.image) ? [s.folder] : [s.folder, s.image])),
  run: async (context, _inputs, { sections }) => {
    const { readSpaceRanger } = await import('../../data/space-ranger.ts');
    const { sectionNames } = await import('../../data/sections.ts');
    const folders = sections.map((s) => s.folder);
    return readSlide(context, { names: sectionNames(sections, folders), sections }, async ({ folder, image }, name) => {
      const { picture, pictureName, left, ...placed } = await readSpaceRanger(folder, image, name);
      if (image === 'auto') context.log(`${name}: takes ${pictureName} (${picture.width} x ${picture.height})`);
      if (left > 0) context.log(`${name}: ${left} barcodes are not in tissue and are left out`);
      return { name, ...placed, picture: { kind: 'image', ...picture } };
    });
  },
});
