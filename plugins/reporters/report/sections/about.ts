import { BOOTSTRAP_FROM } from '../../../../stats/bootstrap.ts';
import { html, join, type Markup } from '../markup.ts';
import type { Model } from '../model.ts';
import { counted, list, whole } from '../numbers.ts';

const MOST_HOLES = 60;

function gaps(model: Model): Markup {
  const found = model.missing;
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

function flat(value: unknown, path: string): [string, string][] {
  if (Array.isArray(value)) return [[path, value.map(entry).join(', ')]];
  if (value !== null && typeof value === 'object')
    return Object.entries(value).flatMap(([name, inner]) => flat(inner, path === '' ? name : `${path}.${name}`));
  return value === undefined || value === null ? [] : [[path, wordOf(value)]];
}

function facts({ params, data, rows: { axes } }: Model): Markup {
  const own: [string, string][] = [
    ['cells', whole(data.obs.index.length)],
    ['genes', whole(data.var.index.length)],
    ['selectors', axes.selectors.join(', ')],
    ['k', axes.ks.join(', ')],
    ['seeds', axes.seeds.join(', ')],
    ['tasks', axes.tasks.join(', ')],
    ['evaluators', axes.evaluators.join(', ')],
  ];
  const all = [...own, ...flat(params.facts, '')];
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Run facts">
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
}

function cite(text: string): Markup {
  const bare = text.replace(/^(doi|arxiv):/i, '');
  if (/^https?:\/\//.test(text)) return html`<a href="${text}">${text}</a>`;
  if (/^10\.\d{4,9}\/\S+$/.test(bare)) return html`<a href="https://doi.org/${bare}">doi:${bare}</a>`;
  if (/^\d{4}\.\d{4,5}(v\d+)?$/.test(bare)) return html`<a href="https://arxiv.org/abs/${bare}">arXiv:${bare}</a>`;
  return html`${text}`;
}

function methods({ params, rows: { axes } }: Model): Markup {
  const listed = params.methods.map(
    (m) =>
      html`<dt>${m.id}</dt>
        <dd>${m.summary}${m.cites.length > 0 ? html` <span class="cite">${join(m.cites.map(cite), ', ')}</span>` : ''}</dd>`,
  );
  const plain = html`<p>Selectors: ${list(axes.selectors) || 'none'}. Evaluators: ${list(axes.evaluators) || 'none'}.</p>`;
  return html`<h3>Methods</h3>
    ${listed.length > 0 ? html`<dl>${listed}</dl>` : plain}
    <p>
      Each seed splits the cells anew; selectors and classifiers learn from the learning part of a split, and classifiers are scored on its
      test cells. Spread is the standard deviation over seeds (n − 1 below). The intervals in summary.csv and in the CSV of each figure are
      95 % intervals of the mean over seeds: Student's t below ${BOOTSTRAP_FROM} seeds, else the percentile bootstrap (2,000 resamples).
      Seeds share one dataset, so spread and intervals speak of the split and of the method's own chance, not of other tissues or donors.
    </p>`;
}

/** What was run, what is missing, and how the numbers came about. */
export function about(model: Model): Markup {
  return html`<section id="about">
    <h2>About this run</h2>
    ${gaps(model)}
    <div id="run-story"></div>
    ${facts(model)}${methods(model)}
  </section>`;
}
