import { html, Markup } from './markup.ts';

/** Panes that one switch can show; the style has a rule for each. */
export const MOST_PANES = 16;

/** Things of which one is shown at a time, by radio buttons; all of them where the browser knows no :has, and no buttons for one alone. */
export function panes(id: string, legend: string, things: readonly { readonly label: string; readonly content: Markup }[]): Markup {
  const choice = things.map(
    ({ label }, i) =>
      html`<input type="radio" name="${id}" id="${id}-${i}" ${i === 0 ? new Markup(' checked') : ''} /><label for="${id}-${i}"
          >${label}</label
        >`,
  );
  const fieldset =
    things.length > 1
      ? html`<fieldset>
          <legend>${legend}</legend>
          ${choice}
        </fieldset>`
      : '';
  return html`<div class="switch">
    ${fieldset}${things.map(
      ({ label, content }) =>
        html`<div class="pane">
          <h4 class="metric">${label}</h4>
          ${content}
        </div>`,
    )}
  </div>`;
}
