import type { Spec } from './draw.ts';
import { percent, showSpread } from './numbers.ts';
import type { SeriesStyle } from './palette.ts';
import type { SummaryRow } from './rows.ts';

/** What a line chart runs along. */
export interface Along {
  readonly title: string;
  readonly of: (row: SummaryRow) => number;
  /** Shares lie evenly and read as percentages; other numbers lie by their logarithm. */
  readonly isShare?: boolean;
}

const PANEL_SIZE: Along = { title: 'genes in the panel (k)', of: (row) => row.k };

/** What the charts of scores share. */
export interface ScoreChart {
  readonly title: string;
  readonly rows: readonly SummaryRow[];
  readonly selectors: readonly string[];
  readonly style: (selector: string) => SeriesStyle;
  /** Name of the metric. */
  readonly label: string;
  /** What lies along the line; the genes in the panel when not given. */
  readonly along?: Along;
  /** Lowest and highest value to show; shared by charts that stand side by side. */
  readonly domain: readonly [number, number];
}

/** Lowest and highest end of mean ± sd, with some air. */
export function domainOf(rows: readonly SummaryRow[]): [number, number] {
  const ends = rows.filter((r) => r.n > 0).flatMap((r) => [r.mean - (r.std || 0), r.mean + (r.std || 0)]);
  if (ends.length === 0) return [0, 1];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const air = 0.04 * (high - low) || 0.05 * Math.abs(high) || 0.05;
  return [low - air, high + air];
}

const drawn = (rows: readonly SummaryRow[], { of, isShare }: Along = PANEL_SIZE): object[] =>
  rows
    .filter((r) => r.n > 0)
    .map((r) => ({
      ...{ s: r.selector, x: of(r), m: r.mean },
      t: `${r.selector}, ${isShare ? percent(of(r)) : `k = ${of(r)}`}: ${showSpread(r.mean, r.std)}`,
      ...(Number.isNaN(r.std) ? {} : { lo: r.mean - r.std, hi: r.mean + r.std }),
    }));

function identity({ selectors, style }: ScoreChart, channel: 'colour' | 'dash' | 'shape'): object {
  return { field: 's', type: 'nominal', legend: null, scale: { domain: selectors, range: selectors.map((s) => style(s)[channel]) } };
}

/** Metric against k or what else there is, a line a selector, mean ± sd as a band. */
export function lineChart(chart: ScoreChart): Spec {
  const { along = PANEL_SIZE } = chart;
  const values = [...new Set(chart.rows.map(along.of))].sort((a, b) => a - b);
  const [first, last] = [values[0], values.at(-1)!];
  const colour = identity(chart, 'colour');
  const x = {
    field: 'x',
    type: 'quantitative',
    title: along.title,
    scale: along.isShare
      ? { nice: false, domain: [first, last] }
      : { type: 'log', base: 2, nice: false, domain: [first / 1.06, last * 1.06] },
    axis: { values, format: along.isShare ? '.0%' : 'd', grid: false, labelOverlap: 'greedy' },
  };
  const scale = { domain: chart.domain, zero: false, nice: true };
  const y = { type: 'quantitative', title: chart.label, scale, axis: { tickCount: 5, domain: false, ticks: false } };
  const crowd = chart.selectors.length > 8;
  return {
    title: chart.title,
    width: 330,
    height: 230,
    data: { values: drawn(chart.rows, along) },
    encoding: { x },
    layer: [
      {
        transform: [{ filter: 'isValid(datum.lo)' }],
        mark: { type: 'area', opacity: crowd ? 0.07 : 0.15 },
        encoding: { y: { ...y, field: 'lo' }, y2: { field: 'hi' }, color: colour },
      },
      {
        mark: { type: 'line', strokeWidth: crowd ? 1.5 : 2 },
        encoding: { y: { ...y, field: 'm' }, color: colour, strokeDash: identity(chart, 'dash') },
      },
      {
        mark: { type: 'point', filled: true, size: crowd ? 34 : 52, opacity: 1 },
        encoding: { y: { ...y, field: 'm' }, color: colour, shape: identity(chart, 'shape'), description: { field: 't' } },
      },
    ],
  };
}

/** One k only: a row a selector, best on top, each seed as a tick, mean ± sd as a bar. */
export function dotChart(chart: ScoreChart, order: readonly string[]): Spec {
  const colour = identity(chart, 'colour');
  const y = {
    field: 's',
    type: 'nominal',
    sort: null,
    title: null,
    scale: { domain: order },
    axis: { labelLimit: 190, domain: false, ticks: false, grid: true },
  };
  const scale = { domain: chart.domain, zero: false, nice: true };
  const x = { type: 'quantitative', title: chart.label, scale, axis: { tickCount: 5, grid: false } };
  const seeds = chart.rows.flatMap((r) => r.values.map((v) => ({ s: r.selector, v })));
  return {
    title: chart.title,
    width: 280,
    height: { step: 24 },
    data: { values: drawn(chart.rows) },
    encoding: { y },
    layer: [
      {
        transform: [{ filter: 'isValid(datum.lo)' }],
        mark: { type: 'rule', strokeWidth: 2 },
        encoding: { x: { ...x, field: 'lo' }, x2: { field: 'hi' }, color: colour },
      },
      {
        data: { values: seeds },
        mark: { type: 'tick', opacity: 0.55, thickness: 1.5, size: 12 },
        encoding: { x: { ...x, field: 'v' }, color: colour },
      },
      {
        mark: { type: 'point', filled: true, size: 64, opacity: 1 },
        encoding: { x: { ...x, field: 'm' }, color: colour, shape: identity(chart, 'shape'), description: { field: 't' } },
      },
    ],
  };
}

/** One square of a heat map; a NaN is left blank. */
export interface Square {
  readonly row: string;
  readonly column: string;
  readonly value: number;
  readonly text: string;
}

/** A heat map from nothing (0) to full (1), with numbers in the squares when there is room. */
export function heatMap(
  squares: readonly Square[],
  options: { rowTitle: string | null; columnTitle: string | null; size?: number; hasText: boolean },
): Spec {
  const rows = [...new Set(squares.map((s) => s.row))];
  const columns = [...new Set(squares.map((s) => s.column))];
  const step = options.size ?? 34;
  const values = squares
    .filter((s) => !Number.isNaN(s.value))
    .map((s) => ({ r: s.row, c: s.column, v: s.value, t: s.text, h: `${s.row}, ${s.column}: ${s.text}` }));
  const axis = { labelLimit: 190, domain: false, ticks: false };
  const text = {
    mark: { type: 'text', fontSize: Math.min(11, step / 2.9) },
    encoding: { text: { field: 't' }, color: { condition: { test: 'datum.v > 0.62', value: 'var(--on-heat)' }, value: 'var(--ink)' } },
  };
  return {
    width: { step },
    height: { step: Math.min(step, 30) },
    data: { values },
    encoding: {
      y: { field: 'r', type: 'nominal', sort: null, title: options.rowTitle, scale: { domain: rows }, axis },
      x: {
        field: 'c',
        type: 'nominal',
        sort: null,
        title: options.columnTitle,
        scale: { domain: columns },
        axis: { ...axis, labelAngle: columns.some((c) => c.length * 7 > step) ? -45 : 0 },
      },
    },
    layer: [
      {
        mark: { type: 'rect', fill: 'var(--heat)' },
        encoding: {
          fillOpacity: { field: 'v', type: 'quantitative', legend: null, scale: { domain: [0, 1], range: [0.03, 1], clamp: true } },
          ...(options.hasText ? { description: { field: 'h' } } : {}),
        },
      },
      ...(options.hasText ? [text] : []),
    ],
  };
}

/** One gene in one class: mean expression as a share of the gene's highest class, and the share of cells that show it. */
export interface ExpressionDot {
  readonly gene: string;
  readonly class: string;
  readonly level: number;
  readonly share: number;
}

/** Genes by classes: the darker, the higher the mean; the larger, the more cells. */
export function dotPlot(dots: readonly ExpressionDot[]): Spec {
  const genes = [...new Set(dots.map((d) => d.gene))];
  const classes = [...new Set(dots.map((d) => d.class))];
  const axis = { labelLimit: 190, domain: false, ticks: false, grid: true };
  return {
    width: { step: 26 },
    height: { step: 18 },
    data: { values: dots.map((d) => ({ g: d.gene, c: d.class, v: d.level, n: d.share })) },
    mark: { type: 'circle', fill: 'var(--heat)', stroke: 'var(--heat)', strokeWidth: 0.75, strokeOpacity: 0.55 },
    encoding: {
      y: { field: 'g', type: 'nominal', sort: null, title: null, scale: { domain: genes }, axis },
      x: { field: 'c', type: 'nominal', sort: null, title: null, scale: { domain: classes }, axis: { ...axis, labelAngle: -45 } },
      size: { field: 'n', type: 'quantitative', legend: null, scale: { domain: [0, 1], range: [3, 190] } },
      fillOpacity: { field: 'v', type: 'quantitative', legend: null, scale: { domain: [0, 1], range: [0.04, 1] } },
    },
  };
}

/** Sorted values of many things, a line a selector, against the share of the things. */
export function shareChart(
  points: readonly { readonly selector: string; readonly share: number; readonly value: number }[],
  look: Pick<ScoreChart, 'selectors' | 'style' | 'label'>,
): Spec {
  const chart = { ...look } as ScoreChart;
  return {
    width: 420,
    height: 230,
    data: { values: points.map((p) => ({ s: p.selector, x: p.share, v: p.value })) },
    mark: { type: 'line', strokeWidth: 2 },
    encoding: {
      x: { field: 'x', type: 'quantitative', title: 'share of the genes', axis: { grid: false, format: '.0%', tickCount: 5 } },
      y: { field: 'v', type: 'quantitative', title: look.label, axis: { tickCount: 5, domain: false, ticks: false } },
      color: identity(chart, 'colour'),
      strokeDash: identity(chart, 'dash'),
    },
  };
}

/** Named counts as bars, in the order given. */
export function barChart(bars: readonly { readonly label: string; readonly value: number }[], title: string): Spec {
  const axis = { labelLimit: 190, domain: false, ticks: false };
  return {
    width: 240,
    height: { step: 17 },
    data: { values: bars.map(({ label, value }) => ({ l: label, v: value, t: `${label}: ${value.toLocaleString('en-US')}` })) },
    mark: { type: 'bar', fill: 'var(--base)', height: { band: 0.72 } },
    encoding: {
      y: { field: 'l', type: 'nominal', sort: null, title: null, axis },
      x: { field: 'v', type: 'quantitative', title, axis: { tickCount: 4, domain: false, ticks: false } },
      description: { field: 't' },
    },
  };
}

/** Values by epoch, a line a seed. */
export function curveChart(
  title: string,
  points: readonly { selector: string; seed: string; epoch: number; value: number }[],
  look: Pick<ScoreChart, 'selectors' | 'style'>,
): Spec {
  const chart = { ...look } as ScoreChart;
  return {
    title,
    width: 330,
    height: 170,
    data: { values: points.map((p) => ({ s: p.selector, d: `${p.selector} ${p.seed}`, e: p.epoch, v: p.value })) },
    mark: { type: 'line', strokeWidth: 1.5, opacity: 0.8 },
    encoding: {
      x: { field: 'e', type: 'quantitative', title: 'epoch', axis: { grid: false, tickCount: 6, format: 'd' }, scale: { nice: false } },
      y: { field: 'v', type: 'quantitative', title: null, scale: { zero: false }, axis: { tickCount: 4, domain: false, ticks: false } },
      color: identity(chart, 'colour'),
      strokeDash: identity(chart, 'dash'),
      detail: { field: 'd' },
    },
  };
}
