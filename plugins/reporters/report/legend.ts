import { html, Markup } from './markup.ts';
import { type SeriesStyle, swatch } from './palette.ts';

/** The legend of the charts beside it; a click singles one name out. */
export const legend = (names: readonly string[], style: (name: string) => SeriesStyle, label: string): Markup =>
  html`<ul class="legend" aria-label="${label}">
    ${names.map((name) => html`<li data-c="${style(name).colour}">${named(name, style(name))}</li>`)}
  </ul>`;

/** A name behind its sign. */
export const named = (name: string, style: SeriesStyle): Markup => html`${new Markup(swatch(style))}${name}`;
