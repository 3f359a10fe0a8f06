import { widthOf } from './draw.ts';
import { escapeText } from './markup.ts';

/** One row of the diagram. */
export interface RankedRow {
  readonly name: string;
  readonly rank: number;
  readonly colour: string;
}

/** What the diagram shows: rows best first, and groups as the first and the last of their rows. */
export interface RankDiagram {
  readonly title: string;
  readonly description: string;
  readonly rows: readonly RankedRow[];
  readonly critical: number;
  readonly groups: readonly (readonly [number, number])[];
}

const STEP = 24;
const TOP = 74;
const AXIS = 250;
const LANE = 11;
const FONT = 12;

/** Bars side by side where they overlap: the lane of each group. */
function lanesOf(groups: RankDiagram['groups']): number[] {
  const ends: number[] = [];
  return groups.map(([first, last]) => {
    const free = ends.findIndex((end) => end < first);
    const lane = free < 0 ? ends.length : free;
    ends[lane] = last;
    return lane;
  });
}

/**
 * Demsar's critical-difference diagram (2006, JMLR 7:1) lying on its side, so that names stay readable on narrow screens: a row a selector, a
 * dot at its average rank, and bars on the right that join those within the critical difference.
 */
export function rankDiagram({ title, description, rows, critical, groups }: RankDiagram): string {
  const names = Math.min(190, Math.max(...rows.map((r) => FONT * widthOf(r.name))) + 14);
  const lanes = lanesOf(groups);
  const worst = rows.length;
  const x = (rank: number): string => (names + 8 + ((rank - 1) / (worst - 1)) * AXIS).toFixed(1);
  const y = (row: number): number => TOP + (row + 0.5) * STEP;
  const bottom = TOP + worst * STEP;
  const right = names + AXIS + 52;
  const width = right + LANE * (Math.max(-1, ...lanes) + 1) + 6;
  const every = Math.ceil(worst / 12);
  const ticks = Array.from({ length: worst }, (_, i) => i + 1).filter((rank) => (rank - 1) % every === 0);
  const text = (at: string | number, down: number, words: string, more = ''): string =>
    `<text x="${at}" y="${down}" font-size="11" fill="var(--muted)"${more}>${escapeText(words)}</text>`;
  const line = (x1: string | number, y1: number, x2: string | number, y2: number, colour: string, more = ''): string =>
    `<path d="M${x1} ${y1}L${x2} ${y2}" stroke="${colour}" fill="none"${more}/>`;
  const ruler = x(1 + Math.min(critical, worst - 1));
  const parts = [
    text(x(1), 14, `critical difference ${critical.toFixed(2)}${critical > worst - 1 ? ', more than there are ranks' : ''}`),
    line(x(1), 24, ruler, 24, 'var(--ink)', ' stroke-width="2"'),
    ...[x(1), ruler].map((at) => line(at, 20, at, 28, 'var(--ink)', ' stroke-width="2"')),
    text(x(1), 50, 'average rank (1 = best)'),
    ...ticks.map((rank) => text(x(rank), 68, String(rank), ' text-anchor="middle"')),
    ...ticks.map((rank) => line(x(rank), TOP, x(rank), bottom, 'var(--rule)')),
    ...rows.flatMap(({ name, rank, colour }, i) => [
      line(names + 8, y(i), names + 8 + AXIS, y(i), 'var(--rule)'),
      `<text x="${names - 6}" y="${y(i) + 4}" font-size="${FONT}" fill="var(--ink)" text-anchor="end">${escapeText(shortened(name))}</text>`,
      `<circle cx="${x(rank)}" cy="${y(i)}" r="5" fill="${colour}"/>`,
      text(right - 6, y(i) + 4, rank.toFixed(2), ' text-anchor="end"'),
    ]),
    ...groups.map(([first, last], g) => {
      const at = right + 4 + LANE * lanes[g];
      return line(at, y(first) - 5, at, y(last) + 5, 'var(--ink)', ' stroke-width="4" stroke-linecap="round"');
    }),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" aria-hidden="true" focusable="false" viewBox="0 0 ${width.toFixed(0)} ${bottom + 6}" style="max-width:${Math.ceil(1.1 * width)}px"><title>${escapeText(title)}</title><desc>${escapeText(description)}</desc>${parts.join('')}</svg>`;
}

// Names of 190 pixels at most.
function shortened(name: string): string {
  const letters = Array.from(name);
  const isWide = (): boolean => FONT * widthOf(letters.join('')) > 170;
  if (!isWide()) return name;
  while (isWide()) letters.pop();
  return `${letters.join('')}…`;
}
