import { h, number, svg } from './dom.ts';
import type { CurvesOf } from './shapes.ts';

const SIZE = { width: 280, height: 120, left: 46, bottom: 16, top: 6 };

/** A curve over epochs as a small chart, with its ends in words. */
function chart(name: string, values: readonly (number | null)[]): HTMLElement {
  const known = values.filter((value) => value !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const { width, height, left, bottom, top } = SIZE;
  const x = (i: number): number => left + (i / Math.max(1, values.length - 1)) * (width - left - 4);
  const y = (value: number): number => top + (1 - (high > low ? (value - low) / (high - low) : 0.5)) * (height - top - bottom);
  const points = values.flatMap((value, i) => (value === null ? [] : [`${x(i).toFixed(1)},${y(value).toFixed(1)}`]));
  const last = known.at(-1) ?? Number.NaN;
  const label = `${name}: from ${number(known[0] ?? Number.NaN)} to ${number(last)}, least ${number(low)}, most ${number(high)}`;
  return h(
    'figure',
    { class: 'curve' },
    h('figcaption', {}, h('strong', {}, name), ` ${number(last)}`),
    svg(
      'svg',
      { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label },
      svg('path', { class: 'axis', d: `M${left} ${top}V${height - bottom}H${width - 4}` }),
      svg('text', { class: 'tick', x: left - 5, y: top + 8, 'text-anchor': 'end' }, number(high)),
      high > low ? svg('text', { class: 'tick', x: left - 5, y: height - bottom, 'text-anchor': 'end' }, number(low)) : null,
      svg('text', { class: 'tick', x: width - 4, y: height - 3, 'text-anchor': 'end' }, `${values.length} points`),
      svg('polyline', { class: 'line', points: points.join(' ') }),
    ),
  );
}

/** All curves of a training, side by side; nothing where there are none. */
export const charts = ({ curves }: CurvesOf): HTMLElement[] =>
  Object.entries(curves).flatMap(([name, values]) => (values.some((value) => value !== null) ? [chart(name, values)] : []));
