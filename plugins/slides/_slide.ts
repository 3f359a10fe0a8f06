import type { SectionData } from '../../data/sections.ts';
import type { Dataset, StepContext, StepResult } from '../contract.ts';
import type { Section, Tissue } from '../spatial-contract.ts';

/** What a slide step reads of one section. */
export type SlideSection = SectionData & Pick<Section, 'picture' | 'micronsPerPixel' | 'spotDiameter'>;

/** Reads sections one after the other, and joins them to one dataset with its tissue. */
export async function readSlide<S>(
  context: StepContext,
  given: { readonly names: readonly string[]; readonly sections: readonly S[] },
  read: (section: S, name: string) => Promise<SlideSection>,
): Promise<{ data: Dataset; tissue: Tissue; facts: NonNullable<StepResult['facts']> }> {
  const { joinSections } = await import('../../data/sections.ts');
  const parts: SlideSection[] = [];
  for (const [i, section] of given.sections.entries()) {
    context.progress(i / given.sections.length, `reading ${given.names[i]}`);
    parts.push(await read(section, given.names[i]));
    await context.breathe();
  }
  const { data, genesLeftOut } = joinSections(parts);
  if (genesLeftOut > 0) context.log(`${genesLeftOut} genes are not in every section and are left out`);
  let from = 0;
  const sections = parts.map(({ name, places, picture, micronsPerPixel, spotDiameter }): Section => {
    const spots = data.obs.index.slice(from, from + places.rows);
    from += places.rows;
    return { name, spots, picture, micronsPerPixel, spotDiameter };
  });
  const facts = { sections: parts.length, cells: data.X.rows, genes: data.X.cols, genes_left_out: genesLeftOut, scale: data.scale };
  return { data, tissue: { sections }, facts };
}
