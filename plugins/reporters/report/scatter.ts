import { widthOf } from './draw.ts';
import { escapeText } from './markup.ts';

/** Some points of a scatter that look alike. */
export interface Dots {
  readonly colour: string;
  readonly opacity?: number;
  /** Of a dot, in pixels. */
  readonly size?: number;
  readonly points: readonly number[];
}

/** Width and height of the drawing, in pixels. */
const SIDE = 300;
const AIR = 8;
/** Of the letters. */
const SIZE = 10;

interface Word {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly half: number;
}

/** Those words that lie on none before them. */
function withRoom(words: readonly Word[]): Word[] {
  const kept: Word[] = [];
  for (const word of words)
    if (kept.every((k) => Math.abs(k.x - word.x) > k.half + word.half || Math.abs(k.y - word.y) > SIZE)) kept.push(word);
  return kept;
}

/**
 * Many points as few shapes: each group is one path of dots, a tenth of what a mark for each would take. `coordinates` are points x 2,
 * row-major; later groups lie on top; of `texts` the earlier ones go first where two would lie on one another. Keeps the proportions of both
 * directions.
 */
export function scatter(
  coordinates: ArrayLike<number>,
  groups: readonly Dots[],
  texts: readonly { at: number[]; text: string }[] = [],
): string {
  const range = (axis: 0 | 1): [number, number] => {
    let [low, high] = [Infinity, -Infinity];
    for (let i = axis; i < coordinates.length; i += 2) {
      low = Math.min(low, coordinates[i]);
      high = Math.max(high, coordinates[i]);
    }
    return [low, high];
  };
  const [x, y] = [range(0), range(1)];
  const scale = (SIDE - 2 * AIR) / Math.max(x[1] - x[0], y[1] - y[0], 1e-9);
  const height = (y[1] - y[0]) * scale + 2 * AIR;
  const place = (px: number, py: number): [string, string] => [
    (AIR + (px - x[0]) * scale).toFixed(1),
    // Up is up.
    (height - AIR - (py - y[0]) * scale).toFixed(1),
  ];
  const paths = groups
    .filter((group) => group.points.length > 0)
    .map(({ colour, opacity, size = 2.4, points }) => {
      const dots = points.map((i) => `M${place(coordinates[2 * i], coordinates[2 * i + 1]).join(' ')}h0`).join('');
      const faint = opacity === undefined || opacity === 1 ? '' : ` stroke-opacity="${opacity}"`;
      return `<path d="${dots}" fill="none" stroke="${colour}" stroke-width="${size}" stroke-linecap="round"${faint}/>`;
    });
  const words = withRoom(
    texts.map(({ at, text }) => {
      const [px, py] = place(at[0], at[1]);
      // Bold letters are wider.
      const half = 0.56 * SIZE * widthOf(text);
      return { text, half, x: Math.min(SIDE - half, Math.max(half, Number(px))), y: Math.max(SIZE, Number(py)) };
    }),
  ).map(
    ({ text, x: px, y: py }) =>
      `<text x="${px.toFixed(1)}" y="${py.toFixed(1)}" fill="var(--ink)" font-size="${SIZE}" font-weight="600" text-anchor="middle" paint-order="stroke" stroke="var(--bg)" stroke-width="3">${escapeText(text)}</text>`,
  );
  return `<svg aria-hidden="true" focusable="false" style="max-width:${Math.ceil(1.3 * SIDE)}px" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIDE} ${height.toFixed(1)}">${paths.join('')}${words.join('')}</svg>`;
}
