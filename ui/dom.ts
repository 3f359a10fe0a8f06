type Child = Node | string | number | false | null | undefined;
/** Attributes; those that are false or nothing are left out. */
type Props = Readonly<Record<string, string | number | boolean | null | undefined | ((event: any) => void)>>;

function fill(element: Element, props: Props, children: readonly Child[]): void {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children) if (child !== false && child !== null && child !== undefined) element.append(asNode(child));
}

const asNode = (child: Node | string | number): Node => (child instanceof Node ? child : document.createTextNode(String(child)));

/** An element of HTML: attributes, listeners (`onclick`), children. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  fill(element, props, children);
  return element;
}

/** The same for SVG. */
export function svg<K extends keyof SVGElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): SVGElementTagNameMap[K] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  fill(element, props, children);
  return element;
}

/** Puts these in place of all that an element holds. */
export function put(element: Element, ...children: Child[]): void {
  element.replaceChildren(...children.filter((c) => c !== false && c !== null && c !== undefined).map(asNode));
}

/** Changes a text only where it differs, so that what is selected or read aloud stays. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** 3.2 s, 4 min 10 s, 2 h 3 min. */
export function duration(ms: number): string {
  const s = ms / 1000;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.round(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

const pad = (n: number): string => String(n).padStart(2, '0');

/** 2026-11-21 18:49:03, by the clock of this machine. */
export function when(ms: number): string {
  const d = new Date(ms);
  const day = `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}`;
  return `${day} ${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
}

/** 12 bytes, 3.4 kB, 1.2 GB; units are powers of 1024. */
export function size(bytes: number): string {
  const unit = Math.min(4, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return unit === 0 ? `${bytes} bytes` : `${(bytes / 1024 ** unit).toFixed(1)} ${['kB', 'MB', 'GB', 'TB'][unit - 1]}`;
}

/** 1 task, 10,000 tasks. */
export const plural = (n: number, noun: string): string => `${count(n)} ${noun}${n === 1 ? '' : 's'}`;

/** 10,000. */
export const count = (n: number): string => n.toLocaleString('en-US');

/** A number as short as it can be told: 0.8312, 12.3, 1.2e-5. */
export const number = (n: number): string => (Number.isInteger(n) ? count(n) : String(Number(n.toPrecision(4))));
