import { z } from '../contract.ts';
import { defineSlide } from '../spatial-contract.ts';
import { readSlide } from './_slide.ts';

/** HEST cuts 112 micrometres into 224 pixels. */
const MICRONS_PER_PIXEL = 0.5;

const params = z.strictObject({
  sections: z
    .array(
      z.strictObject({
        name: z.string().min(1).optional().describe("default: the dataset's file name"),
        data: z.string().min(1).describe('the .h5ad of a sample (folder `st` of HEST)'),
        patches: z.string().min(1).describe('its .h5 with img, barcode, coords (folder `patches` of HEST)'),
        spot_diameter: z
          .number()
          .positive()
          .optional()
          .describe('in pixels of obsm["spatial"], for maps; default half of the distance between spots'),
      }),
    )
    .min(1)
    .describe('one entry a sample: data, patches; where wanted name, spot_diameter (docs/spatial.md)'),
  microns_per_pixel: z.number().positive().default(MICRONS_PER_PIXEL).describe("of the patches; HEST's have 0.5"),
});

/** Samples of HEST-1k: expression and ready patches. Spots without a patch are left out. */
export default defineSlide({
  id: 'hest',
  version: 1,
  summary: 'Read HEST samples: an h5ad and an h5 of ready patches each.',
  cites: ['10.48550/arXiv.2406.16192'],
  params,
  files: (p) => p.sections.flatMap((s) => [s.data, s.patches]),
  run: async (context, _inputs, { sections, microns_per_pixel: micronsPerPixel }) => {
    const { readDataset } = await import('../../data/open.ts');
    const { readHest } = await import('../../data/hest.ts');
    const { sectionNames } = await import('../../data/sections.ts');
    const { pitch } = await import('../../data/spots.ts');
    const files = sections.map((s) => s.data);
    return readSlide(context, { names: sectionNames(sections, files), sections }, async (section, name) => {
      const read = await readDataset(section.data);
      const { data, places, pixels, size, left } = await readHest(read.data, section);
      if (left > 0) context.log(`${name}: ${left} spots have no patch and are left out`);
      const spotDiameter = section.spot_diameter ?? pitch(places) / 2;
      return { name, data, places, picture: { kind: 'patches', pixels, size }, micronsPerPixel, spotDiameter };
    });
  },
});
