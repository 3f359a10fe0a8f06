/** A chart as Vega-Lite. */
export type Spec = Readonly<Record<string, unknown>>;

/** Draws a chart as SVG that takes its colours from the page. */
export type Draw = (spec: Spec) => Promise<string>;

const CONFIG = {
  background: null,
  aria: false,
  view: { stroke: null },
  title: { anchor: 'start', color: 'var(--ink)', fontSize: 13, fontWeight: 600, offset: 10 },
  axis: {
    labelColor: 'var(--muted)',
    labelFontSize: 11,
    labelPadding: 5,
    titleColor: 'var(--muted)',
    titleFontSize: 11.5,
    titleFontWeight: 400,
    titlePadding: 8,
    gridColor: 'var(--rule)',
    domainColor: 'var(--edge)',
    tickColor: 'var(--edge)',
    tickSize: 4,
  },
};

// Vega measures with a canvas where one happens to be installed, and else takes 0.8 em, which leaves wide gaps.
/** About how wide a text is, in its font's size. */
export const widthOf = (text: string): number =>
  text.replace(/[A-Z0-9_]/g, '').length * 0.56 + text.replace(/[^A-Z0-9_]/g, '').length * 0.7;

const QUIET = { level: () => QUIET, error: () => QUIET, warn: () => QUIET, info: () => QUIET, debug: () => QUIET };

/** Loads Vega and gives the function that draws with it. */
export async function createDraw(): Promise<Draw> {
  const [vega, lite] = await Promise.all([import('vega'), import('vega-lite')]);
  const { textMetrics } = vega as unknown as { textMetrics: { width: (item: { fontSize?: number }, text: unknown) => number } };
  textMetrics.width = (item, text) => (item.fontSize ?? 11) * widthOf(String(text));
  return async (spec) => {
    const compiled = lite.compile({ ...spec, config: CONFIG } as never, { logger: QUIET });
    const view = new vega.View(vega.parse(compiled.spec), { renderer: 'none', logLevel: vega.Error });
    const svg = await view.toSVG();
    view.finalize();
    return slim(svg);
  };
}

const NOISE =
  / (?:xmlns:xlink|version|class|aria-[a-z]+|role|pointer-events|font-family|stroke-miterlimit|width|height)="[^"]*"| opacity="1"| fill-opacity="1"/g;
const PLACES = / (?:d|transform|x|y|x1|x2|y1|y2)="[^"]*"/g;
const DESCRIBED = /<(\w+) aria-label="([^"]*)"([^>]*)\/>/g;
const WASTE = /<path class="(?:foreground|background)"[^>]*\/>|<title><\/title>/g;

/** Takes out what does not show, and digits that nobody sees: about half of the bytes. What describes a mark shows when one points at it. */
function slim(svg: string): string {
  const width = /width="([\d.]+)"/.exec(svg)?.[1] ?? '0';
  const lean = svg
    .replace(WASTE, '')
    .replace(DESCRIBED, '<$1$3><title>$2</title></$1>')
    .replace(/<[^>]+>/g, (tag) =>
      tag
        .replace(NOISE, '')
        .replace(PLACES, (place) => place.replace(/-?\d+\.\d{2,}(?:e-?\d+)?/g, (n) => String(Number(Number(n).toFixed(1))))),
    );
  return lean.replace('<svg', `<svg aria-hidden="true" focusable="false" style="max-width:${Math.ceil(1.1 * Number(width))}px"`);
}
