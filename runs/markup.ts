const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text as HTML shows it. */
export const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (c) => ESCAPES[c]);

const variables = (values: Readonly<Record<string, string>>, series: string): string =>
  [...Object.entries(values).map(([k, v]) => `--${k}:#${v}`), ...series.split(' ').map((c, i) => `--s${i}:#${c}`)].join(';');
const LIGHT = variables(
  {
    bg: 'fff',
    ink: '1c2430',
    muted: '5b6470',
    rule: 'e0e4e9',
    edge: 'b9bfc7',
    soft: 'f5f6f8',
    warn: 'b3261e',
    good: '1a7f4b',
    unsure: '8a6100',
  },
  '016abe d55c13 058a60 c64998 b38c15 2da1c2 682dac 9e2c2c',
);
const DARK = variables(
  {
    bg: '14181f',
    ink: 'e4e8ee',
    muted: 'a0a8b3',
    rule: '2f3640',
    edge: '4c545f',
    soft: '1d2127',
    warn: 'f2837b',
    good: '4fb783',
    unsure: 'd9ab3f',
  },
  '4895e7 fd905c 57b38b f17dc2 ddb95f 6fcceb 9163d5 c75e59',
);

/** How many colours pages have, as --s0 and on. */
export const COLOURS = 8;

const STYLE = `:root{color-scheme:light dark;${LIGHT}}@media (prefers-color-scheme:dark){:root{${DARK}}}
body{font:16px/1.5 system-ui,sans-serif;max-width:68rem;margin:2rem auto;padding:0 1rem;color:var(--ink);background:var(--bg)}
h1{font-size:1.5rem;line-height:1.3}h2{font-size:1.15rem;margin-top:2rem}p{max-width:46rem}.note{color:var(--muted);font-size:.9rem}a{color:inherit}
table{border-collapse:collapse;min-width:min(100%,30rem);font-size:.92rem}th,td{text-align:left;padding:.3rem .9rem .3rem 0;border-bottom:1px solid var(--rule);vertical-align:top}
th{font-weight:500;color:var(--muted)}td.n{font-variant-numeric:tabular-nums}.verdict{padding:.1rem .6rem;border-radius:.3rem;color:var(--bg)}
.identical{background:var(--good)}.within{background:var(--unsure)}.drifted{background:var(--warn)}.scroll,.plot{overflow-x:auto}figure{margin:0}.plot svg{display:block;width:100%;min-width:620px;height:auto}svg text{font-family:inherit}`;

export type Cell = string | number;

/** A page, complete in itself, light and dark; the body is markup. */
export const page = (title: string, body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><main>${body}</main></body></html>
`;

/** A table under a heading; nothing where there are no rows. */
export function table(caption: string, header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  if (rows.length === 0) return '';
  const cell = (value: Cell): string =>
    typeof value === 'number' ? `<td class="n">${Number(value.toPrecision(4))}</td>` : `<td>${escapeHtml(value)}</td>`;
  const head = header.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n');
  const region = `class="scroll" role="region" tabindex="0" aria-label="${escapeHtml(caption)}"`;
  return `<h2>${escapeHtml(caption)}</h2>\n<div ${region}><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}
