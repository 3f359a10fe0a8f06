import { h, put } from './dom.ts';
import { type Grid, stateOf, valueOf } from './grid.ts';
import type { Model } from './model.ts';
import { STATE, STATES } from './shapes.ts';

const LINE = 16;
const LEAST = 4;
const MOST = { width: 64, height: 26 };
const MOST_LABEL = 170;
const FONT = '12px system-ui, sans-serif';

/** What colours stand for: states, or numbers between two ends. */
export interface Scale {
  /** Numbers of all tasks; undefined where states are shown. */
  readonly values: Float64Array | undefined;
  readonly format: (value: number) => string;
}

interface Shape {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

type Rgb = readonly [number, number, number];

function rgb(text: string): Rgb {
  const hex = text.trim().replace('#', '');
  const full = hex.length === 3 ? hex.replaceAll(/./g, '$&$&') : hex;
  return [0, 2, 4].map((i) => Number.parseInt(full.slice(i, i + 2), 16)) as unknown as Rgb;
}

/** A sweep as a picture whose cells fill in. The pointer and the arrow keys go over it; Enter or a click opens what is there. */
export class Heat {
  readonly element: HTMLElement;
  readonly #canvas = h('canvas', { 'aria-hidden': 'true' });
  readonly #cursor = h('div', { class: 'cursor', hidden: true });
  readonly #tip = h('div', { class: 'tip', hidden: true });
  readonly #spoken = h('div', { class: 'sr', role: 'status', 'aria-live': 'polite' });
  readonly #frame: HTMLElement;
  readonly #model: Model;
  readonly #open: (tasks: readonly number[]) => void;
  #grid: Grid | undefined;
  #scale: Scale = { values: undefined, format: String };
  #shape: Shape = { left: 0, top: 0, width: 0, height: 0 };
  #range: readonly [number, number] = [0, 1];
  #at = 0;
  #isDue = false;

  constructor(model: Model, open: (tasks: readonly number[]) => void) {
    this.#model = model;
    this.#open = open;
    this.#frame = h(
      'div',
      { class: 'heat', tabindex: 0, role: 'application', 'aria-roledescription': 'heat map' },
      this.#canvas,
      this.#cursor,
    );
    this.element = h('div', { class: 'heat-box' }, this.#frame, this.#tip, this.#spoken);
    this.#frame.addEventListener('mousemove', (event) => this.#hover(event));
    this.#frame.addEventListener('mouseleave', () => this.#leave());
    this.#frame.addEventListener('click', (event) => this.#pick(this.#cellAt(event)));
    this.#frame.addEventListener('keydown', (event) => this.#key(event));
    this.#frame.addEventListener('focus', () => this.#point(this.#at, true));
    this.#frame.addEventListener('blur', () => this.#leave());
    this.#frame.addEventListener('scroll', () => this.#leave());
    new ResizeObserver(() => this.redraw()).observe(this.element);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.redraw());
  }

  show(grid: Grid, scale: Scale, label: string): void {
    this.#grid = grid;
    this.#scale = scale;
    this.#at = Math.min(this.#at, grid.cells.length - 1);
    this.#frame.setAttribute('aria-label', `${label}. Arrow keys move, Enter opens a cell; the table below has the same.`);
    this.redraw();
  }

  /** The ends of the scale. */
  get range(): readonly [number, number] {
    return this.#range;
  }

  /** Draws with the next picture of the screen, once for all changes until then. */
  redraw(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#draw();
    });
  }

  #draw(): void {
    const grid = this.#grid;
    if (!grid || !this.element.isConnected) return;
    const room = this.element.clientWidth;
    const context = this.#canvas.getContext('2d')!;
    context.font = FONT;
    const names = grid.levels.map(({ axis }) => axis);
    const label = Math.max(0, ...[...grid.rowLabels, ...names].map((text) => context.measureText(text).width));
    const left = grid.rowLabels.length === 0 ? 0 : Math.min(MOST_LABEL, room / 3, Math.ceil(label) + 10);
    const width = Math.max(LEAST, Math.min(MOST.width, Math.floor((room - left - 2) / grid.columns)));
    const height = Math.min(MOST.height, Math.max(grid.rowLabels.length > 0 && grid.rows <= 60 ? 15 : LEAST, Math.min(width, 18)));
    this.#shape = { left, top: grid.levels.length * LINE + (grid.levels.length > 0 ? 4 : 0), width, height };
    const [full, tall] = [left + grid.columns * width + 1, this.#shape.top + grid.rows * height + 1];
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    this.#canvas.width = full * ratio;
    this.#canvas.height = tall * ratio;
    this.#canvas.style.width = `${full}px`;
    this.#canvas.style.height = `${tall}px`;
    context.scale(ratio, ratio);
    this.#labels(context, grid);
    this.#cells(context, grid);
  }

  #labels(context: CanvasRenderingContext2D, { rowLabels, levels }: Grid): void {
    const { left, top, width, height } = this.#shape;
    context.font = FONT;
    context.fillStyle = this.#colour('--muted');
    context.textBaseline = 'middle';
    let below = 0;
    for (const [row, text] of rowLabels.entries()) {
      const y = top + row * height;
      if (y < below) continue;
      context.fillText(clipped(context, text, left - 8), 0, y + height / 2);
      below = y + 13;
    }
    for (const [level, { axis, spans }] of levels.entries()) {
      context.fillText(clipped(context, axis, left - 8), 0, level * LINE + LINE / 2);
      let end = 0;
      for (const [i, { from, text }] of spans.entries()) {
        const x = left + from * width;
        const next = spans[i + 1] ? left + spans[i + 1].from * width : Infinity;
        const needs = context.measureText(text).width;
        if (x < end || (needs > next - x && needs > 60 && level > 0)) continue;
        context.fillText(text, x + 1, level * LINE + LINE / 2);
        end = x + needs + 6;
      }
    }
  }

  #cells(context: CanvasRenderingContext2D, { cells, columns }: Grid): void {
    const { left, top, width, height } = this.#shape;
    const colours = STATES.map((name) => this.#colour(`--state-${name}`));
    const { values } = this.#scale;
    const numbers = values ? cells.map((tasks) => (tasks ? valueOf(values, tasks) : Number.NaN)) : [];
    const [low, high] = (this.#range = rangeOf(numbers));
    const [from, to] = [rgb(this.#colour('--ramp-low')), rgb(this.#colour('--ramp-high'))];
    const gap = width >= 7 && height >= 7 ? 1 : 0;
    for (let i = 0; i < cells.length; i++) {
      const tasks = cells[i];
      if (!tasks) continue;
      const [x, y] = [left + (i % columns) * width, top + Math.floor(i / columns) * height];
      const state = stateOf(this.#model, tasks);
      const value = numbers[i];
      if (values && Number.isNaN(value) && (state === STATE.done || state === STATE.cached)) {
        // Its result has no such number.
        context.strokeStyle = colours[STATE.waiting];
        context.strokeRect(x + 0.5, y + 0.5, width - gap - 1, height - gap - 1);
        continue;
      }
      context.fillStyle = values && !Number.isNaN(value) ? mix(from, to, high > low ? (value - low) / (high - low) : 1) : colours[state];
      context.fillRect(x, y, width - gap, height - gap);
      // Not by colour alone: what failed is crossed out, what is under way has a dot.
      if (width < 7 || height < 7) continue;
      if (state === STATE.failed) cross(context, x, y, width - gap, height - gap);
      if (state === STATE.running) dot(context, x + (width - gap) / 2, y + (height - gap) / 2);
    }
  }

  #colour(name: string): string {
    return getComputedStyle(this.#frame).getPropertyValue(name).trim();
  }

  #cellAt({ clientX, clientY }: MouseEvent): number {
    const box = this.#canvas.getBoundingClientRect();
    const { left, top, width, height } = this.#shape;
    const [column, row] = [Math.floor((clientX - box.left - left) / width), Math.floor((clientY - box.top - top) / height)];
    const grid = this.#grid;
    if (!grid || column < 0 || row < 0 || column >= grid.columns || row >= grid.rows) return -1;
    const cell = row * grid.columns + column;
    return grid.cells[cell] ? cell : -1;
  }

  #hover(event: MouseEvent): void {
    const cell = this.#cellAt(event);
    if (cell < 0) this.#leave();
    else this.#point(cell, false);
  }

  /** Shows what a cell is; said aloud for keys. */
  #point(cell: number, isAloud: boolean): void {
    const grid = this.#grid;
    const tasks = grid?.cells[cell];
    if (!grid || !tasks) return;
    const { left, top, width, height } = this.#shape;
    const [x, y] = [left + (cell % grid.columns) * width, top + Math.floor(cell / grid.columns) * height];
    Object.assign(this.#cursor.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
    this.#cursor.hidden = false;
    if (isAloud) this.#cursor.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    const text = this.#words(tasks);
    put(this.#tip, ...text.map((line, i) => h(i === 0 ? 'strong' : 'div', {}, line)));
    this.#tip.hidden = false;
    const space = this.element.clientWidth - this.#tip.offsetWidth;
    this.#tip.style.left = `${Math.max(0, Math.min(space, x - this.#frame.scrollLeft + width + 8))}px`;
    this.#tip.style.top = `${y + height + 8}px`;
    if (isAloud) this.#spoken.textContent = text.join(', ');
  }

  #words(tasks: readonly number[]): string[] {
    const model = this.#model;
    const { values, format } = this.#scale;
    const value = values ? valueOf(values, tasks) : Number.NaN;
    const told = Number.isNaN(value) ? [] : [`${format(value)}${tasks.length > 1 ? ' (mean)' : ''}`];
    if (tasks.length === 1) return [model.name(tasks[0]), STATES[model.states[tasks[0]]], ...told];
    const counts = STATES.map((name, state) => [name, tasks.filter((task) => model.states[task] === state).length] as const);
    return [`${tasks.length} tasks`, ...counts.flatMap(([name, n]) => (n > 0 ? [`${n} ${name}`] : [])), ...told];
  }

  #leave(): void {
    this.#cursor.hidden = true;
    this.#tip.hidden = true;
  }

  #pick(cell: number): void {
    const tasks = this.#grid?.cells[cell];
    if (!tasks) return;
    this.#at = cell;
    this.#open(tasks);
  }

  #key(event: KeyboardEvent): void {
    const grid = this.#grid;
    if (!grid || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -grid.columns, ArrowDown: grid.columns };
    const row = Math.floor(this.#at / grid.columns) * grid.columns;
    if (event.key === 'Enter' || event.key === ' ') this.#pick(this.#at);
    else if (event.key === 'Home' || event.key === 'End')
      this.#at = this.#next(event.key === 'Home' ? row : row + grid.columns - 1, event.key === 'Home' ? 1 : -1);
    else if (steps[event.key]) this.#at = this.#next(this.#at + steps[event.key], steps[event.key]);
    else return;
    event.preventDefault();
    this.#point(this.#at, true);
  }

  /** The first cell in that direction that the sweep has. */
  #next(from: number, step: number): number {
    const { cells } = this.#grid!;
    for (let cell = from; cell >= 0 && cell < cells.length; cell += step) if (cells[cell]) return cell;
    return this.#at;
  }
}

function rangeOf(numbers: readonly number[]): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const n of numbers) {
    if (n < low) low = n;
    if (n > high) high = n;
  }
  return low <= high ? [low, high] : [0, 1];
}

const mix = (from: Rgb, to: Rgb, share: number): string => `rgb(${from.map((c, i) => Math.round(c + (to[i] - c) * share)).join(',')})`;

function cross(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number): void {
  context.strokeStyle = '#fff';
  context.lineWidth = 1.5;
  const inset = 2.5;
  context.beginPath();
  context.moveTo(x + inset, y + inset);
  context.lineTo(x + width - inset, y + height - inset);
  context.moveTo(x + width - inset, y + inset);
  context.lineTo(x + inset, y + height - inset);
  context.stroke();
}

function dot(context: CanvasRenderingContext2D, x: number, y: number): void {
  context.fillStyle = '#fff';
  context.beginPath();
  context.arc(x, y, 2, 0, 2 * Math.PI);
  context.fill();
}

function clipped(context: CanvasRenderingContext2D, text: string, room: number): string {
  if (context.measureText(text).width <= room) return text;
  let end = text.length;
  while (end > 1 && context.measureText(`${text.slice(0, end)}…`).width > room) end--;
  return `${text.slice(0, end)}…`;
}
