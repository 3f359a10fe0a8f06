import { csv, type TableColumn, type Value } from './csv.ts';
import { html, Markup } from './markup.ts';

/** A chart with what is said of it. */
export interface Figure {
  readonly svg: string;
  /** What the chart shows, for those who cannot see it. */
  readonly alt: string;
  readonly caption?: Markup | string;
  /** Name of the file that its data are saved as. */
  readonly file: string;
  readonly data: readonly Readonly<Record<string, Value>>[];
  readonly isWide?: boolean;
}

/** The records as a file to download, held in the page. */
export function csvLink(file: string, records: Figure['data']): Markup {
  if (records.length === 0) return html``;
  const columns = Object.keys(records[0]).map((name): TableColumn => ({ name, type: 'STRING', values: records.map((r) => r[name]) }));
  const name = `${file.replace(/[^\w.-]+/g, '-')}.csv`;
  const address = `data:text/csv;charset=utf-8;base64,${Buffer.from(csv({ columns })).toString('base64')}`;
  return html`<a class="csv" download="${name}" href="${address}" aria-label="Data of this figure as CSV: ${name}">CSV</a>`;
}

/** The chart in the page, with its caption and its data. */
export function figure({ svg, alt, caption, file, data, isWide }: Figure): Markup {
  return html`<figure class="${isWide ? 'wide' : ''}">
    <div class="plot" role="img" aria-label="${alt}">${new Markup(svg)}</div>
    <figcaption>${caption} <span class="get">${csvLink(file, data)}</span></figcaption>
  </figure>`;
}
