import { count, svg } from './dom.ts';
import type { CompactPlan, StepCounts } from './shapes.ts';

const BOX = { width: 128, height: 50 };
const GAP = { x: 22, y: 12 };
/** Parts of a bar, in the order in which they are drawn. */
const PARTS = ['done', 'cached', 'running', 'failed', 'skipped', 'dropped'] as const;

interface Box {
  readonly group: SVGElement;
  readonly text: SVGElement;
  readonly bars: readonly SVGElement[];
}

/** The steps of a plan as a graph, with live counts; a step that is chosen tells so. */
export class Dag {
  readonly element: HTMLElement | SVGElement;
  readonly #boxes = new Map<string, Box>();

  constructor(plan: CompactPlan, choose: (step: number) => void) {
    const levels = levelsOf(plan);
    const height = Math.max(...levels.map((level) => level.length)) * (BOX.height + GAP.y);
    const places = new Map<number, readonly [number, number]>();
    for (const [column, level] of levels.entries())
      for (const [row, step] of level.entries()) {
        const top = (height - level.length * (BOX.height + GAP.y)) / 2;
        places.set(step, [2 + column * (BOX.width + GAP.x), top + row * (BOX.height + GAP.y) + GAP.y / 2]);
      }
    const width = levels.length * (BOX.width + GAP.x) - GAP.x + 4;
    const edges = reduced(plan).map(([from, to]) => {
      const [[x1, y1], [x2, y2]] = [places.get(from)!, places.get(to)!];
      const [a, b, c, d] = [x1 + BOX.width, y1 + BOX.height / 2, x2, y2 + BOX.height / 2];
      const bend = Math.max(11, (c - a) / 2);
      return svg('path', { class: 'edge', d: `M${a} ${b}C${a + bend} ${b} ${c - bend} ${d} ${c} ${d}` });
    });
    const boxes = plan.steps.map((step, i) => this.#box(step, places.get(i)!, () => choose(i)));
    this.element = svg(
      'svg',
      { viewBox: `0 0 ${width} ${height}`, width, height, role: 'group', 'aria-label': 'Steps of the pipeline' },
      ...edges,
      ...boxes,
    );
  }

  #box({ id }: CompactPlan['steps'][number], [x, y]: readonly [number, number], choose: () => void): SVGElement {
    const text = svg('text', { class: 'counts', x: 10, y: 33 });
    const bars = PARTS.map((name) => svg('rect', { class: `bar ${name}`, x: 10, y: 39, width: 0, height: 5 }));
    const group = svg(
      'g',
      { class: 'step', transform: `translate(${x} ${y})`, tabindex: 0, role: 'button', onclick: choose },
      svg('rect', { class: 'box', width: BOX.width, height: BOX.height, rx: 6 }),
      svg('text', { class: 'name', x: 10, y: 18 }, id.length > 15 ? `${id.slice(0, 14)}…` : id),
      text,
      svg('rect', { class: 'bar', x: 10, y: 39, width: BOX.width - 20, height: 5 }),
      ...bars,
    );
    group.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      choose();
    });
    this.#boxes.set(id, { group, text, bars });
    return group;
  }

  update(steps: readonly StepCounts[]): void {
    for (const counts of steps) {
      const box = this.#boxes.get(counts.step);
      if (!box) continue;
      const { total, done, cached, running, failed } = counts;
      const told = [
        `${count(done + cached)} of ${count(total)}`,
        ...(running > 0 ? [`${running} running`] : []),
        ...(failed > 0 ? [`${failed} failed`] : []),
      ].join(', ');
      if (box.text.textContent !== told) box.text.textContent = told;
      let x = 10;
      for (const [i, name] of PARTS.entries()) {
        const width = total === 0 ? 0 : ((BOX.width - 20) * counts[name]) / total;
        box.bars[i].setAttribute('x', String(x));
        box.bars[i].setAttribute('width', width.toFixed(2));
        x += width;
      }
    }
  }

  mark(step: string): void {
    for (const [id, { group }] of this.#boxes) group.setAttribute('aria-pressed', String(id === step));
  }
}

/** Steps by how many come before them on the longest way. */
function levelsOf({ steps }: CompactPlan): number[][] {
  const depth: number[] = [];
  for (const [i, { needs }] of steps.entries()) depth[i] = Math.max(-1, ...needs.filter((need) => need < i).map((need) => depth[need])) + 1;
  const levels: number[][] = [];
  for (const [i, level] of depth.entries()) (levels[level] ??= []).push(i);
  return levels;
}

/** The edges without those that a longer way stands for. */
function reduced({ steps }: CompactPlan): (readonly [number, number])[] {
  const before = steps.map(() => new Set<number>());
  for (const [i, { needs }] of steps.entries())
    for (const need of needs) {
      before[i].add(need);
      for (const more of before[need]) before[i].add(more);
    }
  return steps.flatMap(({ needs }, to) =>
    needs.filter((from) => !needs.some((other) => other !== from && before[other].has(from))).map((from) => [from, to] as const),
  );
}
