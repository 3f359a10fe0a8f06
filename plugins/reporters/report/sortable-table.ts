import { html, type Markup } from './markup.ts';

/** A table that sorts by any column (see `SCRIPT`). */
export interface SortableTable {
  /** For those who cannot see it. */
  readonly label: string;
  readonly caption: Markup | string;
  /** What stands in the first column. */
  readonly corner: string;
  readonly groups: readonly { readonly name: string; readonly columns: readonly string[] }[];
  /** For each row its name and its cells (`td`). */
  readonly rows: readonly { readonly name: Markup; readonly cells: readonly Markup[] }[];
}

/** The table in the page; it scrolls by itself where it is too wide. */
export const sortableTable = ({ label, caption, corner, groups, rows }: SortableTable): Markup =>
  html`<div class="scroll" role="region" tabindex="0" aria-label="${label}">
    <table class="sortable">
      <caption>
        <span>${caption}</span>
      </caption>
      <thead>
        <tr>
          <th rowspan="2" scope="col">${corner}</th>
          ${groups.map(({ name, columns }) => html`<th colspan="${columns.length}" scope="colgroup">${name}</th>`)}
        </tr>
        <tr>
          ${groups.flatMap(({ columns }) => columns.map((column) => html`<th scope="col">${column}</th>`))}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ name, cells }) =>
            html`<tr>
              <th scope="row">${name}</th>
              ${cells}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
