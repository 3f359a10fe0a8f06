import { type Dataset, denseBlock, labels } from '../../contract.ts';
import type { Section, Tissue } from '../../spatial-contract.ts';
import { escapeText } from '../report/markup.ts';

/** From low to high, as viridis has them: equal steps look equal, also to those who do not see red and green apart. */
const COLOURS = ['#440154', '#482878', '#3e4a89', '#31688e', '#26828e', '#1f9e89', '#35b779', '#6ece58', '#b5de2b', '#fde725'];
const WIDTH = 300;
/** Of a thumbnail, in pixels: sharp on a screen with two for one. */
const PICTURE = 440;
/** Around the outermost spots, in distances between spots. */
const MARGIN = 1.5;

/** A section ready to be drawn on: the rows that have values, where they lie, and its picture as an address, if it has one. */
export interface Ground {
  readonly name: string;
  readonly rows: Uint32Array;
  /** rows x 2, in pixels of the drawing. */
  readonly places: Float32Array;
  readonly height: number;
  readonly radius: number;
  readonly picture: string | undefined;
}

/** The sections of a dataset, each with a small copy of its picture. */
export async function grounds(data: Dataset, tissue: Tissue, most: number): Promise<Ground[]> {
  const { codes, classes } = labels(data.obs, 'section');
  const out: Ground[] = [];
  for (const [code, name] of classes.entries()) {
    if (out.length === most) break;
    const rows = Uint32Array.from(codes.keys()).filter((i) => codes[i] === code);
    const section = tissue.sections.find((s) => s.name === name);
    if (rows.length > 1 && section) out.push(await ground(data, section, rows));
  }
  return out;
}

async function ground(data: Dataset, { name, picture }: Section, rows: Uint32Array): Promise<Ground> {
  const { pitch } = await import('../../../data/spots.ts');
  const all = denseBlock(data.obsm.spatial, rows, [0, 1]);
  const spatial = all.data;
  const gap = pitch(all) || 1;
  const ends = ([0, 1] as const).map((axis) => {
    const values = spatial.filter((_, i) => i % 2 === axis);
    const most = picture.kind === 'image' ? (axis === 0 ? picture.width : picture.height) : Infinity;
    return [Math.max(0, Math.floor(Math.min(...values) - MARGIN * gap)), Math.min(most, Math.ceil(Math.max(...values) + MARGIN * gap))];
  });
  const [[left, right], [top, bottom]] = ends;
  const scale = WIDTH / (right - left);
  const places = spatial.map((value, i) => (value - (i % 2 === 0 ? left : top)) * scale);
  let address: string | undefined;
  if (picture.kind === 'image') {
    const { thumbnail } = await import('../../../data/picture.ts');
    const small = await thumbnail(picture.bytes, { left, top, width: right - left, height: bottom - top }, { name, width: PICTURE });
    address = `data:image/jpeg;base64,${Buffer.from(small).toString('base64')}`;
  }
  return { name, rows, places, height: (bottom - top) * scale, radius: Math.max(1.2, 0.4 * gap * scale), picture: address };
}

/** Values of spots over their tissue; a spot without one (NaN) is left out. The colours go from the 2nd to the 98th percentile. */
export function tissueMap({ places, height, radius, picture }: Ground, values: ArrayLike<number>): string {
  const known = Array.from(values).filter((x) => !Number.isNaN(x));
  known.sort((a, b) => a - b);
  const [low, high] = [known[Math.floor(0.02 * (known.length - 1))], known[Math.ceil(0.98 * (known.length - 1))]];
  const level = (x: number): number =>
    high > low ? Math.max(0, Math.min(COLOURS.length - 1, Math.floor((COLOURS.length * (x - low)) / (high - low)))) : 0;
  const dots = COLOURS.map((colour, at) => {
    const own = Array.from(values, (x, i) => ({ x, i })).filter(({ x }) => !Number.isNaN(x) && level(x) === at);
    const d = own.map(({ i }) => `M${places[2 * i].toFixed(1)} ${places[2 * i + 1].toFixed(1)}h0`).join('');
    return d === ''
      ? ''
      : `<path d="${d}" fill="none" stroke="${colour}" stroke-width="${(2 * radius).toFixed(1)}" stroke-linecap="round"/>`;
  });
  const image = picture === undefined ? '' : `<image href="${picture}" width="${WIDTH}" height="${height.toFixed(1)}"/>`;
  return `<svg aria-hidden="true" focusable="false" style="max-width:${WIDTH + 60}px" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height.toFixed(1)}">${image}${dots.join('')}</svg>`;
}

/** The tissue alone. */
export const tissuePicture = ({ name, height, picture }: Ground): string =>
  `<svg aria-hidden="true" focusable="false" style="max-width:${WIDTH + 60}px" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height.toFixed(1)}"><title>${escapeText(name)}</title>${picture === undefined ? '' : `<image href="${picture}" width="${WIDTH}" height="${height.toFixed(1)}"/>`}</svg>`;
