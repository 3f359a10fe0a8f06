import { comparePage } from './compare-page.ts';
import { h, put } from './dom.ts';
import type { Page } from './page.ts';
import { panelsPage } from './panels-page.ts';
import { runPage } from './run-page.ts';
import { runsPage } from './runs-page.ts';

/** Where the choice of light or dark is kept. */
const THEME = 'panelflow-theme';
const THEMES = ['auto', 'light', 'dark'] as const;

const KEYS = [
  ['g', 'list of runs'],
  ['c', 'compare runs'],
  ['t', 'light, dark, or as the system says'],
  ['?', 'these keys'],
] as const;

const main = h('main', { id: 'main', tabindex: -1 });
let page: Page | undefined;

/** Shows what the address says; a page that takes the new address itself stays as it is. */
function route(): void {
  const parts = location.hash
    .replace(/^#\/?/, '')
    .split('/')
    .map((part) => decodeURIComponent(part));
  if (page?.turn?.(parts)) return;
  page?.close();
  const [kind, first, second] = parts;
  if (kind === 'run' && first) page = runPage(first, second);
  else if (kind === 'panels' && first) page = panelsPage(first, second);
  else if (kind === 'compare') page = comparePage(first, second);
  else page = runsPage();
  document.title = `${page.title} - panelflow`;
  put(main, page.element);
  scrollTo(0, 0);
  for (const link of document.querySelectorAll('header nav a')) {
    const isHere = link.getAttribute('href') === (kind === 'compare' ? '#/compare' : '#/');
    if (isHere) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

function themed(theme: (typeof THEMES)[number]): void {
  document.documentElement.dataset.theme = theme;
  localStorage.setItem(THEME, theme);
  button.textContent = `Theme: ${theme}`;
  // Pictures take their colours from the page.
  dispatchEvent(new Event('resize'));
}

function turnTheme(): void {
  const at = THEMES.indexOf(document.documentElement.dataset.theme as (typeof THEMES)[number]);
  themed(THEMES[(at + 1) % THEMES.length]);
}

function help(): void {
  const close = h('button', { type: 'button' }, 'Close');
  const rows = [...(page?.keys ?? []), ...KEYS];
  const dialog = h(
    'dialog',
    { 'aria-labelledby': 'keys-title' },
    h('h2', { id: 'keys-title' }, 'Keys'),
    h('dl', { class: 'keys' }, ...rows.flatMap(([key, text]) => [h('dt', {}, h('kbd', {}, key)), h('dd', {}, text)])),
    h('div', { class: 'buttons' }, close),
  );
  close.addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** True where keys are text. */
const isTyping = ({ target }: KeyboardEvent): boolean =>
  target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  if (isTyping(event)) {
    if (event.key === 'Escape') (event.target as HTMLElement).blur();
    return;
  }
  if (page?.key?.(event)) event.preventDefault();
  else if (event.key === '?') help();
  else if (event.key === 'g') location.hash = '#/';
  else if (event.key === 'c') location.hash = '#/compare';
  else if (event.key === 't') turnTheme();
});

const button = h('button', { type: 'button', onclick: turnTheme });
document.body.append(
  h('a', { class: 'skip', href: '#main', onclick: (event: Event) => (event.preventDefault(), main.focus()) }, 'Skip to the content'),
  h(
    'header',
    {},
    h('span', { class: 'brand' }, 'panelflow'),
    h('nav', { 'aria-label': 'Pages' }, h('a', { href: '#/' }, 'Runs'), h('a', { href: '#/compare' }, 'Compare')),
    h('span', { class: 'tools' }, button, h('button', { type: 'button', 'aria-label': 'Keys', onclick: help }, '?')),
  ),
  main,
);
const kept = localStorage.getItem(THEME);
themed(THEMES.find((theme) => theme === kept) ?? 'auto');
addEventListener('hashchange', route);
route();
