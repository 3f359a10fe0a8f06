import type { ViewCount } from '../../data/views.ts';
import { type Dataset, DataError, type StepContext, type StepResult, z } from '../contract.ts';
import type { Features, Section, Tissue } from '../spatial-contract.ts';

/** Params of every encoder: how patches are cut. */
export const PATCHES = {
  patch_microns: z
    .number()
    .positive()
    .default(112)
    .describe('width of a patch in the tissue, where the scale is known; 112 as in HEST. Ready patches are taken as they are'),
  patch_diameters: z.number().positive().default(2).describe('width of a patch in spot diameters, where the scale is not known'),
  stain: z
    .enum(['none', 'macenko'])
    .default('none')
    .describe('macenko: bring the colours of each section to the same two stains (Macenko et al. 2009)'),
};

/** Params of encoders that are networks. */
export const NETWORK = {
  ...PATCHES,
  views: z
    .literal([1, 2, 4, 8])
    .default(1)
    .describe('also see each patch: 2 mirrored, 4 at all right-angle turns, 8 both; the first view is the patch as it is'),
  batch: z.int().min(1).default(16).describe('patches that go through the network at once'),
};

interface PatchParams {
  readonly patch_microns: number;
  readonly patch_diameters: number;
  readonly stain: 'none' | 'macenko';
}

/** What turns patches into numbers. */
export interface PatchCoder {
  readonly id: string;
  /** Width of a patch in pixels. */
  readonly size: number;
  readonly views: ViewCount;
  /** Patches at once. */
  readonly block: number;
  /** patches x width numbers for patches x size x size x 3 RGB bytes. */
  encode(pixels: Uint8Array, patches: number): Float32Array | Promise<Float32Array>;
}

/** Cuts the patch of every spot and runs `coder` on all views of it, block by block. DataError names the spot where a number is not finite. */
export async function encodePatches(
  context: StepContext,
  { data, tissue }: { readonly data: Dataset; readonly tissue: Tissue },
  params: PatchParams,
  coder: PatchCoder,
): Promise<{ readonly features: Features; readonly facts: NonNullable<StepResult['facts']> }> {
  const [{ patchBlocks }, { viewsOf }, { macenko }] = await Promise.all([
    import('../../data/patches.ts'),
    import('../../data/views.ts'),
    import('./_macenko.ts'),
  ]);
  const { size, views, block } = coder;
  const spots = data.obs.index.length;
  const recolour = (section: Section, sample: Uint8Array): ReturnType<typeof macenko> => {
    const found = macenko(sample);
    if (found === undefined) context.log(`${section.name}: too little stain to tell its colours; they stay as they are`);
    return found;
  };
  const blocks = patchBlocks(data, tissue, {
    size,
    block,
    microns: params.patch_microns,
    diameters: params.patch_diameters,
    threads: context.threads,
    memoryBytes: context.memoryBytes / 2,
    ...(params.stain === 'macenko' ? { recolour } : {}),
  });
  const sides = new Map<Section, number>();
  let values = new Float32Array(0);
  let [width, done] = [0, 0];
  for await (const { section, side, rows, pixels } of blocks) {
    if (!sides.has(section)) sayOfSize(context, section, { side, size, diameters: params.patch_diameters });
    sides.set(section, side);
    let view = 0;
    for (const seen of viewsOf(pixels, size, views)) {
      const found = await coder.encode(seen, rows.length);
      width = found.length / rows.length;
      if (values.length === 0) values = new Float32Array(views * spots * width);
      const bad = found.findIndex((x) => !Number.isFinite(x));
      if (bad >= 0) throw notFinite(coder.id, section, data.obs.index[rows[Math.floor(bad / width)]]);
      rows.forEach((row, i) => values.set(found.subarray(i * width, (i + 1) * width), (view * spots + row) * width));
      view++;
      await context.breathe();
    }
    done += rows.length;
    context.progress(done / spots, `${done} of ${spots} patches`);
  }
  const facts = {
    spots,
    width,
    views,
    patch_pixels: [...sides].map(([{ name }, side]) => `${name} ${side}`).join(', '),
    stain: params.stain,
  };
  return { features: { encoder: coder.id, width, views, values }, facts };
}

function sayOfSize(
  context: StepContext,
  { name, picture, micronsPerPixel }: Section,
  { side, size, diameters }: { readonly side: number; readonly size: number; readonly diameters: number },
): void {
  if (picture.kind === 'image' && Number.isNaN(micronsPerPixel))
    context.log(`${name}: nobody says how large a pixel is; patches are ${diameters} spot diameters wide (${side} pixels)`);
  if (4 * side < size) context.log(`${name}: patches are ${side} pixels wide and blown up to ${size}; a larger picture would show more`);
}

function notFinite(encoder: string, section: Section, spot: string): DataError {
  return new DataError('The network gives something that is not a number', {
    context: { encoder, section: section.name, spot },
    mend: 'Are the weights whole, and of the network that they are for? Look at `pixels`, the scale that the network expects.',
  });
}
