import { mkdir, writeFile } from 'node:fs/promises';

/** One point of a curve. */
export interface Point {
  readonly axis: string;
  readonly size: number;
  readonly method: string;
  readonly seconds: number;
}

const POWERS = [-3, -2, -1, 0, 1, 2, 3, 4].map((e) => 10 ** e);
const widened = (sizes: readonly number[]): number[] => [Math.min(...sizes) / 1.15, Math.max(...sizes) * 1.15];

/** Draws seconds against size, both on logarithmic scales, one panel for cells and one for genes, and writes the SVG. */
export async function drawGrowth(points: readonly Point[], path: URL): Promise<void> {
  const [vega, lite] = await Promise.all([import('vega'), import('vega-lite')]);
  const methods = [...new Set(points.map((p) => p.method))];
  const shapes = ['circle', 'square', 'triangle-up', 'diamond', 'cross'];
  const panel = (axis: string, title: string): object => ({
    title,
    width: 380,
    height: 420,
    data: { values: points.filter((p) => p.axis === axis) },
    mark: { type: 'line', point: { size: 50, filled: true } },
    encoding: {
      x: {
        field: 'size',
        type: 'quantitative',
        scale: { type: 'log', nice: false, domain: widened(sizesOf(points, axis)) },
        title: axis,
        axis: { values: sizesOf(points, axis), format: ',d' },
      },
      y: { field: 'seconds', type: 'quantitative', scale: { type: 'log' }, title: 'CPU seconds', axis: { values: POWERS } },
      color: { field: 'method', sort: methods, scale: { scheme: 'tableau20' }, title: null },
      shape: { field: 'method', sort: methods, scale: { range: methods.map((_, i) => shapes[i % shapes.length]) }, title: null },
    },
  });
  const spec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: 'white',
    hconcat: [panel('cells', 'Growth with cells (2,000 genes, 8 classes)'), panel('genes', 'Growth with genes (3,000 cells, 8 classes)')],
    resolve: { scale: { y: 'shared' } },
    config: { font: 'sans-serif', legend: { symbolSize: 80, labelFontSize: 11, labelLimit: 300 } },
  };
  const view = new vega.View(vega.parse(lite.compile(spec as never).spec), { renderer: 'none', logLevel: vega.Error });
  await mkdir(new URL('.', path), { recursive: true });
  await writeFile(path, await view.toSVG());
}

const sizesOf = (points: readonly Point[], axis: string): number[] => [
  ...new Set(points.filter((p) => p.axis === axis).map((p) => p.size)),
];
