import { get, post } from './api.ts';
import { announce, ask, field, mistake } from './dialog.ts';
import { h } from './dom.ts';

/** A button that starts a file of the folder that `panelflow ui` was started in. */
export const startButton = (): HTMLButtonElement =>
  h('button', { type: 'button', class: 'primary', onclick: () => void choose() }, 'Start a run');

/** Words of a text: one a line. */
export const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);

async function choose(): Promise<void> {
  const files = await get<string[]>('/api/files').catch((error: unknown) => {
    announce(mistake(error));
    return [];
  });
  if (files.length === 0) {
    announce('There is no YAML file to run in the folder of `panelflow ui`; `panelflow init` writes one.');
    return;
  }
  const file = h('select', {}, ...files.map((name) => h('option', { value: name }, name)));
  const set = h('textarea', { rows: 3, placeholder: 'seeds=[0,1,2,3]', spellcheck: 'false' });
  ask({
    title: 'Start a run',
    body: [field('File', file), field('Params', set, 'key=value, one a line; may stay empty')],
    action: 'Start',
    act: async () => {
      const { said, run } = await post('/api/start', { file: file.value, set: lines(set.value) });
      if (run) location.hash = `#/run/${encodeURIComponent(run)}`;
      return said;
    },
  });
}
