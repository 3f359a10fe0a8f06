/** How one selector is drawn everywhere: colour by number, and dash and shape for those who do not see the colour. */
export interface SeriesStyle {
  readonly colour: string;
  readonly dash: readonly number[];
  readonly shape: string;
}

const LIGHT =
  '016abe d55c13 058a60 c64998 b38c15 2da1c2 682dac 9e2c2c 163e85 8e4809 015b48 912c5d 7a680a 277292 470568 631402 687cbf 8a6a4a 519c8f d37891 757233 467494 89529a a15d41';
const DARK =
  '4895e7 fd905c 57b38b f17dc2 ddb95f 6fcceb 9163d5 c75e59 88b1f8 fdc39d 83d0b7 fdb1cf efdf98 b9e6fd b383da db8976 647bc8 d68b40 429e8f db7290 b3af64 7ab2da a362b7 b76847';

/** Colours before one comes again: eight hues in three tones, after Okabe and Ito. */
export const COLOURS = LIGHT.split(' ').length;

const DASHES = [
  [1, 0],
  [6, 3],
  [2, 3],
];
const SHAPES = ['circle', 'square', 'triangle-up', 'diamond', 'cross', 'triangle-down', 'triangle-right', 'triangle-left'];

/** The style of the selector at that place; the baseline is grey and dashed. */
export function styleOf(at: number, isBaseline: boolean): SeriesStyle {
  if (isBaseline) return { colour: 'var(--base)', dash: [4, 3], shape: 'circle' };
  const group = Math.floor(at / 8);
  return { colour: `var(--s${at % COLOURS})`, dash: DASHES[group % DASHES.length], shape: SHAPES[(at + 3 * group) % SHAPES.length] };
}

const variables = (colours: string): string =>
  colours
    .split(' ')
    .map((c, i) => `--s${i}:#${c}`)
    .join(';');

/** The colours as CSS variables, for light and for dark pages. */
export const paletteCss = { light: variables(LIGHT), dark: variables(DARK) };

const MARKS: Readonly<Record<string, string>> = {
  circle: 'M12 1.8a4.2 4.2 0 1 0 .01 0Z',
  square: 'M8.3 2.3h7.4v7.4h-7.4Z',
  'triangle-up': 'M12 1.6l4.8 8.4h-9.6Z',
  'triangle-down': 'M12 10.4l4.8-8.4h-9.6Z',
  'triangle-right': 'M16.6 6l-8.4 4.8v-9.6Z',
  'triangle-left': 'M7.4 6l8.4 4.8v-9.6Z',
  diamond: 'M12 .8l4.4 5.2-4.4 5.2-4.4-5.2Z',
  cross: 'M10.4 1.2h3.2v3.2h3.2v3.2h-3.2v3.2h-3.2v-3.2h-3.2v-3.2h3.2Z',
};

/** A sample of line and mark, for legends and tables; of the mark alone where there are no lines. */
export function swatch({ colour, dash, shape }: SeriesStyle, isMarkOnly = false): string {
  const dashes = dash[1] === 0 ? '' : ` stroke-dasharray="${dash.join(' ')}"`;
  const line = isMarkOnly ? '' : `<path d="M0 6h24" stroke="${colour}" stroke-width="2"${dashes}/>`;
  return `<svg class="sw" viewBox="${isMarkOnly ? '6 0 12 12' : '0 0 24 12'}" aria-hidden="true">${line}<path d="${MARKS[shape]}" fill="${colour}"/></svg>`;
}
