import { BOOTSTRAP_FROM } from '../../../../stats/bootstrap.ts';
import { html, join, type Markup } from '../markup.ts';
import type { Model } from '../model.ts';
import { counted, list, whole } from '../numbers.ts';
import { bareId, bibtex, citeCommand, isArxiv, isDoi } from '../references.ts';

const MOST_HOLES = 60;
/** Nadeau and Bengio 2003. */
const CORRECTED_TEST = '10.1023/A:1024068626366';

/** The cells of the sweep that have no result. */
export function gaps(found: Model['missing']): Markup {
  if (found.length === 0) return html`<p>Every cell has a result.</p>`;
  const rows = found.slice(0, MOST_HOLES).map((cell) => {
    const place = Object.entries(cell).map(([axis, label]) => `${axis} ${label}`);
    return html`<tr>
      <td>${place.join(' · ')}</td>
    </tr>`;
  });
  const more = found.length > MOST_HOLES ? html`<p class="note">${found.length - MOST_HOLES} more are not listed.</p>` : '';
  return html`<p class="warn">${counted(found.length, 'cell')} without a result. All numbers above are of the cells that are there.</p>
    <details>
      <summary>Which cells</summary>
      <div class="scroll" role="region" tabindex="0" aria-label="Missing cells">
        <table class="plain">
          <caption>
            Cells without a result
          </caption>
          <thead>
            <tr>
              <th scope="col">cell</th>
            </tr>
          </thead>
          <tbody>
            ${rows}
          </tbody>
        </table>
      </div>
      ${more}
    </details>`;
}

const wordOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

// A map in a list, by the name that it goes by, with what else it says.
function entry(value: unknown): string {
  if (value === null || typeof value !== 'object') return wordOf(value);
  const { as, uses, column, with: more, kind: _, ...rest } = value as Record<string, unknown>;
  const said = flat({ ...rest, ...(more as object) }, '').map(([key, x]) => `${key}: ${x}`);
  const name = as ?? uses ?? column;
  if (name === undefined) return said.join(', ');
  return said.length > 0 ? `${wordOf(name)} (${said.join(', ')})` : wordOf(name);
}

/** Nested maps as names with dots. */
export function flat(value: unknown, path: string): [string, string][] {
  if (Array.isArray(value)) return [[path, value.map(entry).join(', ')]];
  if (value !== null && typeof value === 'object')
    return Object.entries(value).flatMap(([name, inner]) => flat(inner, path === '' ? name : `${path}.${name}`));
  return value === undefined || value === null ? [] : [[path, wordOf(value)]];
}

const sizes = (data: Model['data']): [string, string][] =>
  data
    ? [
        ['cells', whole(data.obs.index.length)],
        ['genes', whole(data.var.index.length)],
      ]
    : [];

function facts({ params, data, rows: { axes } }: Model): Markup {
  const own: [string, string][] = [
    ...sizes(data),
    ['selectors', axes.selectors.join(', ')],
    ['k', axes.ks.join(', ')],
    ['seeds', axes.seeds.join(', ')],
    ['tasks', axes.tasks.join(', ')],
    ['evaluators', axes.evaluators.join(', ')],
  ];
  return factsTable([...own, ...flat(params.facts, '')]);
}

/** Names with what is said of them. */
export const factsTable = (all: readonly (readonly [string, string])[]): Markup =>
  html`<div class="scroll" role="region" tabindex="0" aria-label="Run facts">
    <table class="plain facts">
      <caption>
        Facts of the run
      </caption>
      <tbody>
        ${all.map(
          ([name, value]) =>
            html`<tr>
              <th scope="row">${name}</th>
              <td>${value}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;

function cite(text: string): Markup {
  const bare = bareId(text);
  if (/^https?:\/\//.test(text)) return html`<a href="${text}">${text}</a>`;
  if (isDoi(bare)) return html`<a href="https://doi.org/${bare}">doi:${bare}</a>`;
  if (isArxiv(bare)) return html`<a href="https://arxiv.org/abs/${bare}">arXiv:${bare}</a>`;
  return html`${text}`;
}

/** What was compared, each with its summary and what it cites. */
export const methodList = (all: Model['params']['methods']): Markup =>
  html`<dl>
    ${all.map(
      (m) =>
        html`<dt>${m.id}</dt>
          <dd>${m.summary}${m.cites.length > 0 ? html` <span class="cite">${join(m.cites.map(cite), ', ')}</span>` : ''}</dd>`,
    )}
  </dl>`;

function methods({ params, rows: { axes } }: Model): Markup {
  const plain = html`<p>Selectors: ${list(axes.selectors) || 'none'}. Evaluators: ${list(axes.evaluators) || 'none'}.</p>`;
  return html`<h3>Methods</h3>
    ${params.methods.length > 0 ? methodList(params.methods) : plain}
    <p>
      Each seed splits the cells anew; selectors and classifiers learn from the learning part of a split, and classifiers are scored on its
      test cells. Spread is the standard deviation over seeds (n − 1 below). The intervals in summary.csv and in the CSV of each figure are
      95 % intervals of the mean over seeds: Student's t below ${BOOTSTRAP_FROM} seeds, else the percentile bootstrap (2,000 resamples).
      Seeds share one dataset, so spread and intervals speak of the split and of the method's own chance, not of other tissues or donors.
    </p>`;
}

/** A paragraph for a paper, with the works it cites. */
function paste({ params, data, rows: { axes } }: Model): Markup {
  const cited = (id: string): readonly string[] => params.methods.find((m) => m.id === id || m.id.endsWith(`/${id}`))?.cites ?? [];
  const named = (ids: readonly string[]): string => list(ids.map((id) => `${id}${citeCommand(cited(id))}`));
  const seeds = axes.seeds.length === 1 ? 'one division' : `${axes.seeds.length} divisions`;
  const text = [
    `We compared ${counted(axes.selectors.length, 'way')} to choose gene panels (${named(axes.selectors)}) ${data ? `on ${whole(data.obs.index.length)} cells and ${whole(data.var.index.length)} genes` : 'on several datasets'}, for panels of ${list(axes.ks.map(String))} genes, over ${seeds} of the cells into learning and test cells.`,
    `Panels were judged by ${named(axes.evaluators) || 'nothing'}${axes.tasks.some((task) => task !== '') ? ` for ${list(axes.tasks)}` : ''}.`,
    `Differences were tested seed by seed with the corrected resampled t test${citeCommand([CORRECTED_TEST])} and corrected after Holm.`,
    `All steps ran in panelflow (${params.name ?? 'benchmark'}).`,
  ].join(' ');
  const works = bibtex([...params.methods.flatMap((m) => m.cites), CORRECTED_TEST]);
  return html`<details>
    <summary>Methods text and BibTeX to paste</summary>
    <p><textarea class="bibtex" readonly aria-label="Methods text">${text}</textarea></p>
    <p><textarea class="bibtex" readonly aria-label="BibTeX">${works}</textarea></p>
  </details>`;
}

/** What was run, what is missing, and how the numbers came about. */
export function about(model: Model): Markup {
  return html`<section id="about">
    <h2>About this run</h2>
    ${gaps(model.missing)}
    <div id="run-story"></div>
    ${facts(model)}${methods(model)}${paste(model)}
  </section>`;
}
