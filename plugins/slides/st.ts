import { z } from '../contract.ts';
import { defineSlide } from '../spatial-contract.ts';
import { readSlide } from './_slide.ts';

const params = z.strictObject({
  sections: z
    .array(
      z.strictObject({
        name: z.string().min(1).optional().describe("default: the file's name"),
        data: z.string().min(1).describe('an .h5ad with obsm["spatial"]: x and y in pixels'),
        image: z.string().min(1).describe('the picture of the section: JPEG, PNG, TIFF or WebP'),
        scale: z
          .number()
          .positive()
          .default(1)
          .describe('pixels of the picture for each pixel of the positions; 0.25 for a quarter-size copy'),
        microns_per_pixel: z.number().positive().optional().describe('of the positions; default what uns["spatial_meta"] says'),
        spot_diameter: z.number().positive().optional().describe('in pixels of the positions; default what the file says'),
      }),
    )
    .min(1)
    .describe('one entry a section: data, image; where needed name, scale, microns_per_pixel, spot_diameter (docs/spatial.md)'),
});

/** Sections of Spatial Transcriptomics, or of anything that has positions and a picture. */
export default defineSlide({
  id: 'st',
  version: 1,
  summary: 'Read sections of tissue: an h5ad with obsm["spatial"] and a picture each.',
  cites: ['10.1126/science.aaf2403'],
  params,
  files: (p) => p.sections.flatMap((s) => [s.data, s.image]),
  run: async (context, _inputs, { sections }) => {
    const { readPlaced } = await import('../../data/placed.ts');
    const { sectionNames } = await import('../../data/sections.ts');
    const files = sections.map((s) => s.data);
    return readSlide(context, { names: sectionNames(sections, files), sections }, async (section, name) => {
      const { picture, ...placed } = await readPlaced(name, section, (line) => context.log(line));
      return { name, ...placed, picture: { kind: 'image', ...picture } };
    });
  },
});
