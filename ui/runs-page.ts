import { follow } from './api.ts';
import { mistake } from './dialog.ts';
import { count, duration, h, put, say, when } from './dom.ts';
import type { Page } from './page.ts';
import type { RunItem } from './shapes.ts';
import { startButton } from './start.ts';

/** So many rows are shown at first. */
const SHOWN = 200;

interface Row {
  readonly element: HTMLTableRowElement;
  readonly link: HTMLAnchorElement;
  readonly state: HTMLElement;
  readonly bar: HTMLElement;
  readonly told: HTMLElement;
  readonly took: HTMLElement;
}

/** A bar in parts: done, cached, failed, running. */
export function paintBar(bar: HTMLElement, counts: RunItem['counts']): void {
  const parts = ['done', 'cached', 'failed', 'skipped', 'dropped', 'running'] as const;
  if (bar.childElementCount === 0) bar.append(...parts.map((name) => h('i', { class: name })));
  for (const [i, name] of parts.entries()) {
    const share = counts && counts.total > 0 ? (100 * counts[name]) / counts.total : 0;
    (bar.children[i] as HTMLElement).style.width = `${share}%`;
  }
}

/** All runs, newest first. */
export function runsPage(): Page {
  const rows = new Map<string, Row>();
  let items: readonly RunItem[] = [];
  let most = SHOWN;
  const filter = h('input', { type: 'search', placeholder: 'Filter by name or state', 'aria-label': 'Filter runs', oninput: () => show() });
  const body = h('tbody');
  const note = h('p', { class: 'muted', role: 'status' }, 'Reading…');
  const more = h('button', { type: 'button', hidden: true, onclick: () => ((most += SHOWN), show()) }, 'Show more');
  const head = h('tr', {}, ...['Run', 'State', 'Tasks', 'Started', 'Took'].map((name) => h('th', { scope: 'col' }, name)));
  const element = h(
    'div',
    {},
    h('div', { class: 'title' }, h('h1', {}, 'Runs'), startButton()),
    h('div', { class: 'choices' }, filter, note),
    h('table', { class: 'runs' }, h('thead', {}, head), body),
    more,
  );

  const make = ({ run, started }: RunItem): Row => {
    const link = h('a', { href: `#/run/${encodeURIComponent(run)}` }, run);
    const [state, bar, told, took] = [
      h('span'),
      h('div', { class: 'progress', 'aria-hidden': 'true' }),
      h('span', { class: 'muted' }),
      h('td', { class: 'number' }),
    ];
    const tr = h(
      'tr',
      {},
      h('td', {}, link),
      h('td', {}, state),
      h('td', {}, bar, told),
      h('td', { class: 'number' }, when(started)),
      took,
    );
    return { element: tr, link, state, bar, told, took };
  };

  const paint = (row: Row, { state, counts, started, closed }: RunItem): void => {
    row.state.className = `badge ${state}`;
    say(row.state, state);
    paintBar(row.bar, counts && { ...counts, running: 0 });
    const ended = counts ? counts.done + counts.cached : 0;
    const failed = counts && counts.failed > 0 ? `, ${count(counts.failed)} failed` : '';
    say(row.told, counts ? `${count(ended)} of ${count(counts.total)}${failed}` : '');
    say(row.took, duration((closed ?? Date.now()) - started));
  };

  const show = (): void => {
    const words = filter.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const found = items.filter(({ run, name, state }) => words.every((word) => `${run} ${name} ${state}`.toLowerCase().includes(word)));
    const shown = found.slice(0, most);
    const elements = shown.map((item) => {
      const row = rows.get(item.run) ?? make(item);
      rows.set(item.run, row);
      paint(row, item);
      return row.element;
    });
    // Rows stay where they are as long as the order does: whoever has the focus keeps it.
    if (elements.length !== body.children.length || elements.some((tr, i) => body.children[i] !== tr)) {
      const focused = document.activeElement;
      put(body, ...elements);
      if (focused instanceof HTMLElement && focused.isConnected) focused.focus();
    }
    more.hidden = found.length <= most;
    say(
      note,
      items.length === 0
        ? 'No run yet. Start a file, or run `panelflow run FILE`.'
        : `${count(found.length)} of ${count(items.length)} runs`,
    );
  };

  const leave = follow(
    '/api/events',
    (value) => {
      items = value as RunItem[];
      show();
    },
    (holds) => {
      if (!holds) say(note, mistake(new Error('The dashboard does not answer; waiting')));
      else show();
    },
  );

  const step = (by: number): void => {
    const links = [...body.querySelectorAll('a')];
    const at = links.indexOf(document.activeElement as HTMLAnchorElement);
    links[Math.max(0, Math.min(links.length - 1, at + by))]?.focus();
  };

  return {
    title: 'Runs',
    element,
    keys: [
      ['j / k', 'next and previous run'],
      ['Enter', 'open the run'],
      ['/', 'filter'],
    ],
    key: ({ key }) => {
      if (key === 'j') step(1);
      else if (key === 'k') step(-1);
      else if (key === '/') filter.focus();
      else return false;
      return true;
    },
    close: leave,
  };
}
